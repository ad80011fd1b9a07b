# cmake --install, and the Debian package that cpack makes of the same files (docs/operation.md).
#
# Where a file goes is decided at install time, by the prefix that is in effect then: under /usr the
# configuration is in /etc and the unit where systemd looks, under any other all of it is below the prefix.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # the program is installed, not the tests

install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY rules/ DESTINATION ${CMAKE_INSTALL_DATADIR}/weir/rules
  FILES_MATCHING PATTERN "*.yaml" PATTERN "*.txt")
install(DIRECTORY deploy/clocks/ DESTINATION ${CMAKE_INSTALL_DATADIR}/weir/clocks FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY deploy/grafana/ DESTINATION ${CMAKE_INSTALL_DATADIR}/weir/grafana)
install(DIRECTORY deploy/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES deploy/completion/weir.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME weir)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

# --- what is packed, as Debian wants it: no name and no time in it, so the same input gives the same bytes ---------
function(weir_packed from to)
  get_filename_component(folder ${to} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${to} COMMAND gzip -9nc ${from} > ${to} DEPENDS ${from} VERBATIM)
endfunction()

file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/deploy/man/*.[1-8])
set(packed)
foreach(page ${pages})
  get_filename_component(name ${page} NAME)
  string(REGEX REPLACE ".*\\." "" section ${name})
  set(to ${PROJECT_BINARY_DIR}/install/man${section}/${name}.gz)
  weir_packed(${page} ${to})
  list(APPEND packed ${to})
  install(FILES ${to} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
string(TIMESTAMP WEIR_NOW "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH, where that is given
set(WEIR_MAINTAINER "Weir maintainers <maintainers@weir.invalid>" CACHE STRING "of the Debian package")
configure_file(deploy/debian/changelog.in ${PROJECT_BINARY_DIR}/install/changelog @ONLY)
weir_packed(${PROJECT_BINARY_DIR}/install/changelog ${PROJECT_BINARY_DIR}/install/changelog.gz)
weir_packed(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_BINARY_DIR}/install/NEWS.gz)
list(APPEND packed ${PROJECT_BINARY_DIR}/install/changelog.gz ${PROJECT_BINARY_DIR}/install/NEWS.gz)
install(FILES ${PROJECT_BINARY_DIR}/install/changelog.gz ${PROJECT_BINARY_DIR}/install/NEWS.gz
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
add_custom_target(weir_install ALL DEPENDS ${packed})
add_dependencies(weir weir_install) # what builds the program has made what is installed with it

# --- what names the prefix -------------------------------------------------------------------------
set(WEIR_DEPLOY ${PROJECT_SOURCE_DIR}/deploy)
configure_file(deploy/place.cmake.in ${PROJECT_BINARY_DIR}/install/place.cmake @ONLY)
install(SCRIPT ${PROJECT_BINARY_DIR}/install/place.cmake)

# --- the package -----------------------------------------------------------------------------------
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
if(NOT WEIR_KAFKA OR NOT WEIR_CURL) # in the place of weir, on a machine that wants less of it
  set(CPACK_PACKAGE_NAME weir-minimal)
  set(CPACK_DEBIAN_PACKAGE_CONFLICTS weir)
  set(CPACK_DEBIAN_PACKAGE_REPLACES weir)
  set(CPACK_DEBIAN_PACKAGE_PROVIDES weir)
endif()
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${WEIR_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, redis-server, tzdata")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "network egress monitor
Accounts every byte that leaves each host of a network, whoever opened the
connection, judges it against what that host usually sends, to whom and when,
and raises an alert while the transfer is still running.

It watches interfaces, and replays captures and connection logs.") # cpack indents it
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${WEIR_DEPLOY}/debian/preinst ${WEIR_DEPLOY}/debian/postinst
  ${WEIR_DEPLOY}/debian/prerm ${WEIR_DEPLOY}/debian/postrm ${WEIR_DEPLOY}/debian/conffiles)
include(CPack)
