# Every public header compiles alone, first in its file, and twice. Not a part of `all`: the test builds it.
file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/core/include
     ${PROJECT_SOURCE_DIR}/core/include/cohort/*.hpp)
file(GLOB headers_of_arrays CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/arrays/include
     ${PROJECT_SOURCE_DIR}/arrays/include/cohort/*.hpp)
file(GLOB headers_of_batch CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/managers/batch/include
     ${PROJECT_SOURCE_DIR}/managers/batch/include/cohort/batch/*.hpp)
list(APPEND headers ${headers_of_arrays} ${headers_of_batch})
if(TARGET cohort::opencl)
  list(APPEND headers cohort/opencl.hpp)
endif()
list(APPEND headers cohort/detail/mpi_membership.hpp)
set(sources)
foreach(header IN LISTS headers)
  string(REPLACE .hpp .cpp source ${CMAKE_CURRENT_BINARY_DIR}/self_contained/${header})
  file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\n#include <${header}>\n" @ONLY)
  list(APPEND sources ${source})
endforeach()
add_library(headers_self_contained OBJECT EXCLUDE_FROM_ALL ${sources})
target_link_libraries(headers_self_contained PRIVATE cohort::arrays cohort::batch cohort::mpi $<TARGET_NAME_IF_EXISTS:cohort::opencl> cohort_warnings)
target_compile_options(headers_self_contained PRIVATE -Werror)

# Sanitizers say nothing about headers; one build that checks them is enough.
if(NOT COHORT_SANITIZE)
  add_test(NAME headers_self_contained
           COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target headers_self_contained)
  set_tests_properties(headers_self_contained PROPERTIES LABELS slow TIMEOUT 300)
endif()
