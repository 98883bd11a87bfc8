// Leaks of libraries that are not ours to mend, for builds with AddressSanitizer: x265 3.5 keeps the strings of every
// parameter set that libav hands it.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() { return "leak:libx265\n"; }
