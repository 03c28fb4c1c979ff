# Compiles src/api/server/bootstrap.yaml to a const C table.
set(KT_BOOTSTRAP_SOURCE ${CMAKE_BINARY_DIR}/generated/bootstrap.c)
add_custom_command(
  OUTPUT ${KT_BOOTSTRAP_SOURCE}
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/compile_bootstrap.py
    --output ${KT_BOOTSTRAP_SOURCE} ${CMAKE_SOURCE_DIR}/src/api/server/bootstrap.yaml
  DEPENDS ${CMAKE_SOURCE_DIR}/src/api/server/bootstrap.yaml ${CMAKE_SOURCE_DIR}/tools/compile_bootstrap.py
  COMMENT "Compiling what an empty cluster holds" VERBATIM)
