// Linked into every program of a build with the address sanitizer.

// The runtime of GCC 12 takes a dynamic TLS block at the right place in its page for one with the header of an old
// glibc, and the leak check at exit then reads a wild address ("Tracer caught signal 11"). Fixed in GCC 14 and LLVM 17.
extern "C" const char* __asan_default_options() { return "intercept_tls_get_addr=0"; }
