"""The processor component: the CPU, its ExCache, and the kernel that programs see."""
