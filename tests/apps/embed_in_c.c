/* The library from C99: frames by callback and by pull, cancelling, errors. Takes a model directory; what is not as
 * kinescope.h promises is printed and makes the exit status 1. */
#include "apps/embed/kinescope.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void expect(int holds, const char* what) {
    if (holds) return;
    ++failures;
    fprintf(stderr, "not so: %s (last error: %s)\n", what, kine_last_error());
}

typedef struct seen {
    int frames;
    int stages;
    int stop_at_frame; /* none if negative */
    unsigned long sum;
} seen;

static int count_frame(void* user_data, const kine_frame* frame) {
    seen* so_far = user_data;
    const size_t bytes = (size_t)frame->width * (size_t)frame->height * 3;
    size_t i;
    for (i = 0; i < bytes; ++i) so_far->sum = so_far->sum * 31 + frame->pixels[i];
    return so_far->frames++ == so_far->stop_at_frame;
}

static int count_stage(void* user_data, const kine_progress* progress) {
    seen* so_far = user_data;
    if (progress->done == progress->total) ++so_far->stages;
    return 0;
}

static kine_request* make_request(void) {
    kine_request* request = NULL;
    expect(kine_request_create(&request) == KINE_OK, "a request is made");
    expect(kine_request_set(request, "prompt", "a kite") == KINE_OK, "a prompt is taken");
    expect(kine_request_set(request, "seed", "7") == KINE_OK, "a seed is taken");
    expect(kine_request_set(request, "num-inference-steps", "2") == KINE_USAGE, "aliases belong to the command line");
    expect(strstr(kine_last_error(), "num_inference_steps") != NULL, "the unknown option is named");
    expect(kine_request_set(request, "steps", "2") == KINE_OK, "steps are taken");
    return request;
}

static kine_job* make_job(kine_session* session, const kine_callbacks* callbacks) {
    kine_request* request = make_request();
    kine_job* job = NULL;
    expect(kine_job_create(session, request, callbacks, &job) == KINE_OK, "a job is made");
    kine_request_destroy(request); /* jobs keep a copy */
    return job;
}

static kine_callbacks callbacks_to(seen* so_far) {
    kine_callbacks callbacks;
    memset(&callbacks, 0, sizeof(callbacks));
    callbacks.struct_size = sizeof(callbacks);
    callbacks.user_data = so_far;
    callbacks.on_frame = count_frame;
    callbacks.on_progress = count_stage;
    return callbacks;
}

static unsigned long push(kine_session* session) {
    seen so_far = {0, 0, -1, 0};
    const kine_callbacks callbacks = callbacks_to(&so_far);
    kine_job* job = make_job(session, &callbacks);
    char* report = NULL;
    expect(kine_job_run(job) == KINE_OK, "a job runs");
    expect(so_far.frames == 3, "three frames were pushed");
    expect(so_far.stages == 3, "three stages came to their end");
    expect(kine_job_report(job, &report) == KINE_OK && strstr(report, "\"frames\":3") != NULL,
           "the report counts them");
    kine_text_destroy(report);
    kine_job_destroy(job);
    return so_far.sum;
}

static unsigned long pull(kine_session* session) {
    seen so_far = {0, 0, -1, 0};
    kine_job* job = make_job(session, NULL);
    kine_frame frame;
    int32_t has_frame = 0;
    expect(kine_job_start(job) == KINE_OK, "a job starts");
    while (kine_job_next_frame(job, &frame, &has_frame) == KINE_OK && has_frame) count_frame(&so_far, &frame);
    expect(so_far.frames == 3, "three frames were pulled");
    expect(kine_job_wait(job) == KINE_OK, "the job ended well");
    kine_job_destroy(job);
    return so_far.sum;
}

static void cancel(kine_session* session) {
    seen so_far = {0, 0, 1, 0};
    const kine_callbacks callbacks = callbacks_to(&so_far);
    kine_job* job = make_job(session, &callbacks);
    expect(kine_job_run(job) == KINE_INTERRUPTED || so_far.frames == 3, "a callback cancels");
    kine_job_destroy(job);
    job = make_job(session, NULL);
    expect(kine_job_cancel(job) == KINE_OK, "a job that waits can be cancelled");
    expect(kine_job_run(job) == KINE_INTERRUPTED, "and does not run then");
    kine_job_destroy(job);
}

static void check_errors(kine_session* session) {
    kine_callbacks callbacks;
    kine_request* request = make_request();
    kine_job* job = NULL;
    memset(&callbacks, 0, sizeof(callbacks)); /* struct_size 0: a host built for another library */
    expect(kine_job_create(session, request, &callbacks, &job) == KINE_USAGE, "struct_size is checked");
    expect(job == NULL, "a failed creation hands out nothing");
    expect(kine_request_add_output(request, "/nowhere/at/all/v.mp4", NULL, 0) == KINE_OK, "an output is noted");
    expect(kine_job_create(session, request, NULL, &job) == KINE_OUTPUT, "and opened when the job is made");
    expect(strstr(kine_last_error(), "/nowhere/at/all/v.mp4") != NULL, "the bad output is named");
    kine_request_destroy(request);
}

int main(int count, char** values) {
    kine_session* session = NULL;
    kine_option options[2];
    if (count != 2) return 2;
    options[0].name = "model";
    options[0].value = values[1];
    options[1].name = "threads";
    options[1].value = "1";
    expect(kine_session_create(options, 2, &session) == KINE_OK, "a session is made");
    if (session == NULL) return 1;
    expect(push(session) == pull(session), "pushed and pulled frames are the same");
    cancel(session);
    check_errors(session);
    kine_session_destroy(session);
    return failures == 0 ? 0 : 1;
}
