#pragma once

// Namespaces of public headers are marked by it: what they declare can be used from outside of libcohort. All else that
// the library consists of is hidden in it (-fvisibility=hidden), and so are classes that a public header only names,
// before the namespace that is marked.
#define COHORT_EXPORT [[gnu::visibility("default")]]
/// For a class inside of a public one that only the library uses.
#define COHORT_HIDDEN [[gnu::visibility("hidden")]]
