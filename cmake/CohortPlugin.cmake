# cohort_add_plugin(NAME KIND manager|transport SOURCES file...)
# Builds libcohort_<kind>_<name>.so against cohort::cohort and installs it where the tool and programs look for plugins,
# <libdir>/cohort/plugins. The target is called cohort_<kind>_<name>. The same for cohort's own plugins and for others'.
include(GNUInstallDirs)

function(cohort_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "KIND" "SOURCES")
  if(NOT arg_KIND MATCHES "^(manager|transport)$")
    message(FATAL_ERROR "cohort_add_plugin(${name}): KIND must be manager or transport, not '${arg_KIND}'")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "cohort_add_plugin(${name}): SOURCES names no file")
  endif()
  set(target cohort_${arg_KIND}_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE cohort::cohort)
  set_target_properties(${target} PROPERTIES PREFIX lib CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                        INSTALL_RPATH $ORIGIN/../..)
  get_target_property(cohort_is_installed cohort::cohort IMPORTED)
  if(NOT cohort_is_installed)
    # A build tree is laid out like an installed one: the library finds the plugins from where it lies.
    set_target_properties(${target} PROPERTIES
                          LIBRARY_OUTPUT_DIRECTORY $<TARGET_FILE_DIR:cohort::cohort>/cohort/plugins)
    if(PROJECT_SOURCE_DIR STREQUAL cohort_SOURCE_DIR)  # and not of a project that has cohort as a part
      target_link_libraries(${target} PRIVATE cohort_warnings)
      add_dependencies(cohort_plugins ${target})
    endif()
  endif()
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/cohort/plugins)
endfunction()
