# Makes the console's files a part of the program: cmake -DWEB=FOLDER -DOUT=FILE.c -P embed.cmake
#
# Every file below WEB is an array and a row of console_file_table (weir/bus/console_files.h), sorted by path. Only
# what the files hold is in it, no time and no folder, so the same pages give the same bytes.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_txt "text/plain; charset=utf-8")

file(GLOB_RECURSE paths RELATIVE ${WEB} ${WEB}/*)
list(SORT paths)
set(number 0)
set(arrays "")
set(rows "")
foreach(path ${paths})
  get_filename_component(ending ${path} LAST_EXT)
  string(REPLACE "." "type_" type "${ending}")
  if(NOT DEFINED ${type})
    message(FATAL_ERROR "${WEB}/${path}: expected a name that ends in .html, .css, .js, .svg or .txt")
  endif()
  file(READ ${WEB}/${path} hex HEX)
  file(SHA256 ${WEB}/${path} etag)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n"
    bytes "${bytes}")
  string(APPEND arrays "static const uint8_t file_${number}[] = {\n${bytes}0};\n") # 0: none is empty
  string(APPEND rows
    "    {\"/${path}\", \"${${type}}\", file_${number}, sizeof file_${number} - 1,\n     \"${etag}\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by sensor/console/embed.cmake. */
#include \"weir/bus/console_files.h\"

${arrays}
const struct console_file console_file_table[] = {
${rows}    {0}};
")
