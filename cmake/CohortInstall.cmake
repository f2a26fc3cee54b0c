# What `cmake --install` adds to the targets' own rules: the package for find_package(cohort) and for pkg-config.
# Both find their files from where they lie, so that the installed tree can be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cohort)
install(EXPORT cohortTargets NAMESPACE cohort:: DESTINATION ${package_dir})
if(TARGET cohort_contract)
  install(EXPORT cohortContractTargets NAMESPACE cohort:: DESTINATION ${package_dir})
endif()
configure_package_config_file(cmake/cohortConfig.cmake.in cohortConfig.cmake INSTALL_DESTINATION ${package_dir}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(cohortConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cohortConfig.cmake ${PROJECT_BINARY_DIR}/cohortConfigVersion.cmake
              cmake/CohortPlugin.cmake
        DESTINATION ${package_dir})

file(RELATIVE_PATH pkgconfig_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/cohort.pc.in cohort.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cohort.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
function(cohort_install_pkgconfig part description requires)
  configure_file(cmake/cohort-part.pc.in cohort-${part}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/cohort-${part}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
cohort_install_pkgconfig(arrays "Shared and distributed arrays over the processes of cohort" cohort)
cohort_install_pkgconfig(mpi "The ranks of an MPI program as processes of cohort" cohort)
if(TARGET cohort_opencl)
  cohort_install_pkgconfig(opencl "Arrays of cohort in the memory of OpenCL devices" cohort-arrays)
endif()
install(FILES LICENSE TYPE DOC)
