# Compiles src/api/kinds/*.yaml to const C tables.
file(GLOB KT_KINDS_YAML CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/api/kinds/*.yaml)
set(KT_KINDS_SOURCES)
if(KT_KINDS_YAML AND EXISTS ${CMAKE_SOURCE_DIR}/tools/compile_kinds.py)
  set(KT_KINDS_SOURCES ${CMAKE_BINARY_DIR}/generated/kinds.c)
  add_custom_command(
    OUTPUT ${KT_KINDS_SOURCES}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/compile_kinds.py
      --output ${KT_KINDS_SOURCES} ${CMAKE_SOURCE_DIR}/src/api/kinds
    DEPENDS ${KT_KINDS_YAML} ${CMAKE_SOURCE_DIR}/tools/compile_kinds.py
    COMMENT "Compiling the kind tables" VERBATIM)
endif()
