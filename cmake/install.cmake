# cmake --install: the program, both libraries, the headers and the pkg-config file.
set(CMAKE_INSTALL_LIBDIR lib CACHE PATH "folder of the libraries below the prefix")
include(GNUInstallDirs)

install(TARGETS ito_static ito_shared)
install(DIRECTORY include/ito TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
if(TARGET ito)
  install(TARGETS ito)
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/ito.pc.in ito.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/ito.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
