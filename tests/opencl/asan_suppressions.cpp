// Linked into the tests of OpenCL in a build with the address sanitizer.

// pocl keeps objects of its devices and of its compiler until the process ends, and does not release them then.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpocl.so\nleak:libpocl-devices-pthread.so\n"; }
