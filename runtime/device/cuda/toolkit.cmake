# Decides whether this build has CUDA: sets KINE_HAS_CUDA to true or false, and enables the language.
#
# The runtime is linked statically. It looks for a driver when it is first called, so the program starts on any machine
# and asks for no library of CUDA; a plugin would do the same with a table of functions for every kernel.
set(KINE_HAS_CUDA false)
if(KINE_CUDA STREQUAL "off" OR (KINE_CUDA STREQUAL "auto" AND KINE_SANITIZE))
  return()
endif()
find_package(CUDAToolkit 13 QUIET)
if(NOT CUDAToolkit_FOUND OR NOT CUDAToolkit_NVCC_EXECUTABLE OR NOT TARGET CUDA::cudart_static)
  if(NOT KINE_CUDA STREQUAL "auto")
    message(FATAL_ERROR "KINE_CUDA is ${KINE_CUDA}, but CUDA 13 was not found (CUDAToolkit_ROOT says where it is)")
  endif()
  message(STATUS "no CUDA 13 found: this build runs on the CPU only")
  return()
endif()
if(NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
endif()
set(CMAKE_CUDA_ARCHITECTURES ${KINE_CUDA_ARCHITECTURES})
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_STANDARD_REQUIRED OFF)  # CMake 3.25 does not know the dialects of CUDA 13: kernels/CMakeLists.txt names it
enable_language(CUDA)
set(KINE_HAS_CUDA true)
