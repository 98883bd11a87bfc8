// Runs the program `kinescope` as a user would: arguments in; exit status, standard output and standard error out.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace kine::apps {

/// The program under test.
std::filesystem::path program_path();

struct Launch {
    std::vector<std::string> arguments = {};
    std::vector<std::string> launcher = {};  ///< words before the program: what starts it, found by PATH
    std::string input = {};                  ///< for standard input, at most a pipe's 64 KiB
    std::vector<int> closed = {};            ///< of 0, 1 and 2: not open at all in the program
    std::string shell = {};                  ///< run by sh before the program takes over, e.g. "ulimit -f 100"
    std::filesystem::path output_file = {};  ///< standard output goes here, if given
};

struct Ended {
    int status = -1;  ///< exit status, or 128 + the signal that killed it
    std::string output;
    std::string error;

    bool says(std::string_view words) const { return error.find(words) != std::string::npos; }
    /// For messages of failed expectations.
    std::string shown() const;
};

/// One run. Destroying it kills what still runs. A run that takes longer than the limit is killed, and the test fails.
class Program {
  public:
    explicit Program(const Launch& launch);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Reads standard error until it holds `words`; false if the program ends without. Standard output is left alone,
    /// so a program that writes much to it stands still from some point on.
    bool wait_for(std::string_view words);
    void send(int signal) const;
    pid_t process() const { return process_; }
    /// Nobody reads standard output from here on.
    void stop_reading_output();
    Ended finish();

  private:
    enum Stream { Output, Error, Alive };  // nothing is written to the last: it ends with the process
    bool read_more(Stream first);

    pid_t process_ = -1;
    std::array<int, 3> streams_ = {-1, -1, -1};
    Ended ended_;
    bool timed_out_ = false;
};

Ended launch(const Launch& launch);
Ended run(std::vector<std::string> arguments);

}  // namespace kine::apps
