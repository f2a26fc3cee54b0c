// Links, but cannot be loaded.

int function_that_is_nowhere();
int call_it() { return function_that_is_nowhere(); }
