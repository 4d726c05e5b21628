# SPDX-License-Identifier: Apache-2.0
# Install and export, so that find_package(ketpk CONFIG REQUIRED) gives ketpk::ketpk and, where it was built, ketpk::io.
set(ketpk_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ketpk)

install(DIRECTORY include/ketpk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS ketpk EXPORT ketpk_headers)
install(EXPORT ketpk_headers FILE ketpk-headers.cmake NAMESPACE ketpk:: DESTINATION ${ketpk_package_dir})
if(TARGET ketpk_io)
  install(TARGETS ketpk_io EXPORT ketpk_compiled ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ketpk_compiled FILE ketpk-compiled.cmake NAMESPACE ketpk:: DESTINATION ${ketpk_package_dir})
  install(FILES cmake/Findlibmd.cmake DESTINATION ${ketpk_package_dir})
endif()
if(TARGET ketpk_command)
  install(TARGETS ketpk_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_package_config_file(cmake/ketpk-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/ketpk-config.cmake
                              INSTALL_DESTINATION ${ketpk_package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/ketpk-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ketpk-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/ketpk-config-version.cmake
        DESTINATION ${ketpk_package_dir})
