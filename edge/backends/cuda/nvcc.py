"""From a .cu file to the code of one GPU, by nvcc, kept in a folder. It needs no GPU and no pycuda, so an image can be filled beforehand."""
