# Installing and packaging. The manual page's lists and the completion scripts come from the program's own command table.
if(TARGET kube-tui AND NOT KT_SANITIZE)
  set(KT_GENERATED_DOCS ${CMAKE_BINARY_DIR}/docs)
  add_custom_command(
    OUTPUT ${KT_GENERATED_DOCS}/kube-tui.1 ${KT_GENERATED_DOCS}/kube-tui.bash
    COMMAND ${CMAKE_COMMAND} -E make_directory ${KT_GENERATED_DOCS}
    COMMAND $<TARGET_FILE:kube-tui> __manual ${CMAKE_SOURCE_DIR}/man/kube-tui.1.in > ${KT_GENERATED_DOCS}/kube-tui.1
    COMMAND $<TARGET_FILE:kube-tui> completion bash > ${KT_GENERATED_DOCS}/kube-tui.bash
    COMMAND $<TARGET_FILE:kube-tui> completion zsh > ${KT_GENERATED_DOCS}/_kube-tui
    COMMAND $<TARGET_FILE:kube-tui> completion fish > ${KT_GENERATED_DOCS}/kube-tui.fish
    DEPENDS kube-tui ${CMAKE_SOURCE_DIR}/man/kube-tui.1.in
    COMMENT "Writing the manual page and completions" VERBATIM)
  add_custom_target(kt_docs ALL DEPENDS ${KT_GENERATED_DOCS}/kube-tui.1)

  install(FILES ${KT_GENERATED_DOCS}/kube-tui.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${CMAKE_SOURCE_DIR}/man/kube-tui-config.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
  install(FILES ${CMAKE_SOURCE_DIR}/man/kube-tui-repl.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7)
  install(FILES ${KT_GENERATED_DOCS}/kube-tui.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME kube-tui)
  install(FILES ${KT_GENERATED_DOCS}/_kube-tui DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
  install(FILES ${KT_GENERATED_DOCS}/kube-tui.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/themes DESTINATION ${CMAKE_INSTALL_DATADIR}/kube-tui)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md ${CMAKE_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kube-tui)
set(CPACK_PACKAGE_CONTACT "kube-tui maintainers <kube-tui@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libcurl3-gnutls | libcurl4 | libcurl3t64-gnutls") # loaded, not linked
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
include(CPack)
