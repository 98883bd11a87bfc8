/* Kinescope's C interface: everything a program needs to make videos in its own process. Sessions hold a model,
 * requests say what to make, jobs make it; frames are pushed into a callback, pulled one by one, or written to files.
 *
 * Every function that returns kine_status returns KINE_OK or fails without side effect on its results; kine_last_error
 * then holds one sentence. No function aborts, prints, installs a signal handler or throws. NULL where an object is
 * expected is KINE_USAGE; destroying NULL does nothing. Texts are UTF-8. Objects of different sessions may be used at
 * the same time from different threads; one object belongs to one thread at a time, except that kine_job_cancel may be
 * called from anywhere. Names of options are those that kine_list("options") prints; '-' and '_' are the same in them.
 *
 * Version 0: functions may still change. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Also the exit codes of the command line. */
typedef enum kine_status {
    KINE_OK = 0,
    KINE_OTHER = 1,
    KINE_USAGE = 2,        /* a bad option, request or argument */
    KINE_BAD_INPUT = 3,    /* a bad model, latents or video file */
    KINE_UNSUPPORTED = 4,  /* a model or feature that this build lacks */
    KINE_DOES_NOT_FIT = 5, /* memory budget or memory exhausted */
    KINE_DEVICE = 6,       /* device or driver */
    KINE_OUTPUT = 7,       /* a file or pipe could not be written */
    KINE_NOT_FINITE = 8,   /* NaN or infinity in latents or frames */
    KINE_RANK = 9,         /* a rank failed */
    KINE_BUG = 70,         /* a broken promise inside the library */
    KINE_INTERRUPTED = 130 /* cancelled */
} kine_status;

typedef struct kine_session kine_session;
typedef struct kine_request kine_request;
typedef struct kine_job kine_job;
typedef struct kine_ranks kine_ranks; /* one thread at a time */

typedef struct kine_option {
    const char* name;
    const char* value;
} kine_option;

/* A picture: 8-bit R G B, rows packed. */
typedef struct kine_frame {
    const uint8_t* pixels; /* height * width * 3 bytes */
    int32_t width;
    int32_t height;
    int64_t index; /* from 0 */
} kine_frame;

/* Where a run stands: `done` of `total` prompts ("encode"), steps ("denoise") or frames ("decode"). */
typedef struct kine_progress {
    const char* stage;
    int64_t done;
    int64_t total;
    double seconds; /* since this stage began */
} kine_progress;

/* What a job tells its host; every function may be NULL. Set struct_size to sizeof(kine_callbacks). Pointers inside are
 * valid during the call only. A result other than 0 cancels the job. No exception may leave a callback. */
typedef struct kine_callbacks {
    size_t struct_size;
    void* user_data;
    int (*on_frame)(void* user_data, const kine_frame* frame);            /* on the job's writing thread, in order */
    int (*on_progress)(void* user_data, const kine_progress* progress);   /* on the thread that runs */
    void (*on_log)(void* user_data, const char* level, const char* line); /* "debug", "info" or "warning" */
    /* The run has failed, as `status` and `message` say, but a rank of it hangs, so that no call of the job can return.
     * On another thread. A program may end itself here; a library cannot, and waits. */
    void (*on_stuck)(void* user_data, kine_status status, const char* message);
} kine_callbacks;

/* One row of kine_verify. */
typedef struct kine_stage_result {
    const char* stage;
    double error;
    double allowed;
    int32_t ok;
    int32_t skipped;
    const char* note;
} kine_stage_result;

/* ---- library ---------------------------------------------------------------------------------------------------- */

/* "0.1.0"; the text is static. */
const char* kine_version(void);

/* NULL, or the level of x86-64 processors that this build needs and the processor lacks ("x86-64-v3"). A host that may
 * meet older ones asks this first: there any other function can end the process. */
const char* kine_missing_processor(void);

/* Why the last call of this thread failed; the text belongs to the library until the thread's next call. */
const char* kine_last_error(void);

/* Makes the messages of FFmpeg and its encoders on standard error stop, in the whole process (of SVT-AV1 by the
 * environment variable SVT_LOG, unless it is set). For programs that say themselves what went wrong, before they start
 * threads; the library never calls it, since a host may want them. */
void kine_silence_codecs(void);

/* A table as JSON: "families", "presets", "policies", "qualities", "strategies", "clusters", "samplers", "codecs",
 * "devices", "options" or "build"; the caller owns *json and gives it back with kine_text_destroy. */
kine_status kine_list(const char* table, char** json);

/* Gives back a text that another function handed out. */
void kine_text_destroy(char* text);

/* ---- session: a device, or several GPUs, with memory and threads, and at most one model -----------------------------
 */

/* Options are those that kine_list("options") prints for sessions: model, device, dtype, threads, max_ram and others;
 * the caller owns *session and destroys it. Without a model the session can inspect, verify and calibrate only; with
 * model_preset it can plan. A device of several GPUs ("cuda:0,1") makes each a rank of every run.
 *
 * One run at a time. With request_parallel R, up to R jobs may run at once, each on a thread of the host: they share
 * the weights, and have an R-th of the threads and of the memory budget each. A request's `ranks` are then those of all
 * R together, which R must divide. */
kine_status kine_session_create(const kine_option* options, size_t count, kine_session** session);

/* Gives up the caller's handle; jobs that still run keep what they need until they end. */
void kine_session_destroy(kine_session* session);

/* ---- request: what to make ----------------------------------------------------------------------------------------
 */

/* An empty request with a random seed; the caller owns *request and destroys it. */
kine_status kine_request_create(kine_request** request);

/* Sets one option from text, strictly: a number must be a number, and in range; texts are copied. */
kine_status kine_request_set(kine_request* request, const char* name, const char* value);

/* Adds a place to write to: a file, "DIR/%04d.png" or "-" for standard output; texts are copied. */
kine_status kine_request_add_output(kine_request* request, const char* target, const kine_option* options,
                                    size_t count);

/* The request as a JSON object, the seed included; the caller owns *json. */
kine_status kine_request_describe(const kine_request* request, char** json);

void kine_request_destroy(kine_request* request);

/* ---- ranks that are processes ------------------------------------------------------------------------------------
 */

/* Joins the processes that mpirun or srun started together with this one, which share every run of a session that is
 * told so. Without such a launcher *ranks is alone: rank 0 of 1, and all else does nothing. Initialises MPI unless the
 * program did. The caller owns *ranks. */
kine_status kine_ranks_join(kine_ranks** ranks);
int32_t kine_ranks_rank(const kine_ranks* ranks);
int32_t kine_ranks_size(const kine_ranks* ranks);

/* Every process makes the same jobs in the same order; rank 0 gets the frames and writes the files. With the session's
 * request_parallel R, which is the same on all, the processes are parted into R groups of neighbours, and that holds
 * within each: groups make different jobs, or none. */
kine_status kine_session_share(kine_session* session, const kine_ranks* ranks);

/* The group that this process is in, from 0, and 1 if it is the one of its group that gets the frames and writes the
 * files, else 0. A session that shares nothing is in group 0 and gets its frames. */
int32_t kine_session_group(const kine_session* session);
int32_t kine_session_tells(const kine_session* session);

/* Before several jobs: every process brings the requests of all groups, in the same order. Seeds that were drawn become
 * rank 0's; other requests than rank 0's are KINE_USAGE, which names the option. Also returns with an error if a
 * process has failed before. */
kine_status kine_ranks_agree(const kine_ranks* ranks, kine_request* const* requests, size_t count);

/* Before the process ends, with the status it is going to end with and, for one other than 0, the reason: tells the
 * others and waits for their end, a moment only if one failed. Returns the status to end with: if that differs, another
 * rank failed, as kine_last_error says. */
int kine_ranks_leave(kine_ranks* ranks, int status, const char* reason);

/* Frees it. With a status other than 0, ends those that have not left; this process too, then. */
void kine_ranks_destroy(kine_ranks* ranks, int status);

/* ---- job: one run -------------------------------------------------------------------------------------------------
 */

/* Whether kine_job_create would take the request as things stand, outputs included; makes nothing and leaves nothing.
 * For a host that makes several jobs one after the other, and wants to know of a mistake before the first. */
kine_status kine_job_check(kine_session* session, const kine_request* request);

/* Copies the request, checks it against the model and the memory budget, and opens its outputs; callbacks may be NULL
 * and are copied. The caller owns *job and destroys it. */
kine_status kine_job_create(kine_session* session, const kine_request* request, const kine_callbacks* callbacks,
                            kine_job** job);

/* Push: runs to the end on this thread. */
kine_status kine_job_run(kine_job* job);

/* Pull: runs on a thread of the job; frames wait, a few at most, until they are taken. */
kine_status kine_job_start(kine_job* job);

/* Waits for the next frame, which belongs to the job until the next call; *has_frame is 0 after the last one. */
kine_status kine_job_next_frame(kine_job* job, kine_frame* frame, int32_t* has_frame);

/* Asks the run to end within one block: outputs are finished with the frames they have, and run, next_frame and wait
 * return KINE_INTERRUPTED. From any thread, any number of times, before the start too. */
kine_status kine_job_cancel(kine_job* job);

/* Waits for the end of a started job; frames that were not taken are dropped (files get them all). */
kine_status kine_job_wait(kine_job* job);

/* Seconds per stage, frames, peak bytes, outputs and the resolved request, as a JSON object, also before and after a
 * failed run; the caller owns *json. */
kine_status kine_job_report(const kine_job* job, char** json);

/* Cancels the job if it still runs, waits for it, frees it. */
void kine_job_destroy(kine_job* job);

/* ---- without running ----------------------------------------------------------------------------------------------
 */

/* What a run would do and hold, as text for people and as a JSON object; either may be NULL, the caller owns both. */
kine_status kine_plan(kine_session* session, const kine_request* request, char** text, char** json);

/* What a model directory, a weight file or a video file holds, as a JSON object; the caller owns *json. */
kine_status kine_inspect(kine_session* session, const char* path, char** json);

/* Holds the build against a golden case; calls `report` for every stage; *passed is 1 if all that ran are ok. */
kine_status kine_verify(kine_session* session, const char* golden_case,
                        void (*report)(void* user_data, const kine_stage_result* result), void* user_data,
                        int32_t* passed);

/* PSNR and SSIM of two videos or frame folders as a JSON object, and a contact sheet where `sheet` is not NULL; the
 * caller owns *json. */
kine_status kine_compare(const char* first, const char* second, const char* sheet, char** json);

/* Measures this machine as a cluster for the option `cluster`, as a JSON object; where `path` is not NULL it is written
 * to that file (".json"), which must not exist unless `overwrite` is not 0. The caller owns *json. */
kine_status kine_calibrate(kine_session* session, const char* path, int32_t overwrite, char** json);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
