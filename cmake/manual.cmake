# What the program says of itself to man and bash, as files beside it: cmake -DBENCH=… -DFOLDER=… -P cmake/manual.cmake
foreach(part man completion)
  execute_process(COMMAND ${BENCH} help ${part} OUTPUT_FILE ${FOLDER}/bench.${part} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
