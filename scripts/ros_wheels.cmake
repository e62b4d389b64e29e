# SPDX-License-Identifier: Apache-2.0
# For interface packages built against the ROS 2 wheels: their exported targets name Python's include folder of the machine
# that made the wheels. Handed in as CMAKE_PROJECT_INCLUDE; acts once the package has found what it needs.
function(patrol_mend_python_includes)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    if(target MATCHES "__rosidl_generator_py$")
      set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${Python3_INCLUDE_DIRS}")
    endif()
  endforeach()
endfunction()
cmake_language(DEFER CALL patrol_mend_python_includes)
