//go:build cgo && linux

// Package cudatest takes a known amount of GPU memory, for tests on a machine
// with an NVIDIA GPU. It loads the driver's own library when it is asked to,
// and needs nothing to be built.
package cudatest

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stddef.h>

typedef int (*init_f)(unsigned int);
typedef int (*retain_f)(void **, int);
typedef int (*current_f)(void *);
typedef int (*alloc_f)(unsigned long long *, size_t);
typedef int (*free_f)(unsigned long long);

static void *library;

// take allocates on device 0 and gives a result of CUDA, or -1 where the
// library or a function of it is missing.
static int take(size_t bytes, unsigned long long *at)
{
	void *context;
	int ret;
	if (!library && !(library = dlopen("libcuda.so.1", RTLD_NOW)))
		return -1;
	init_f init = (init_f)dlsym(library, "cuInit");
	retain_f retain = (retain_f)dlsym(library, "cuDevicePrimaryCtxRetain");
	current_f current = (current_f)dlsym(library, "cuCtxSetCurrent");
	alloc_f alloc = (alloc_f)dlsym(library, "cuMemAlloc_v2");
	if (!init || !retain || !current || !alloc)
		return -1;
	if ((ret = init(0)) || (ret = retain(&context, 0)) || (ret = current(context)))
		return ret;
	return bytes ? alloc(at, bytes) : 0;
}

static int give(unsigned long long at)
{
	free_f release = (free_f)dlsym(library, "cuMemFree_v2");
	return release ? release(at) : -1;
}
*/
import "C"

import (
	"fmt"
	"runtime"
)

// Open makes the context that CUDA needs on the first device, which takes
// memory itself: what Allocate takes comes on top.
func Open() error {
	runtime.LockOSThread() // a context belongs to a thread
	return result("open CUDA", C.take(0, nil))
}

// Allocate takes so many bytes on the first device, after Open and on the same
// goroutine. The function it returns gives them back.
func Allocate(bytes uint64) (free func() error, err error) {
	var at C.ulonglong
	if err := result("allocate", C.take(C.size_t(bytes), &at)); err != nil {
		return nil, err
	}
	return func() error { return result("free", C.give(at)) }, nil
}

func result(what string, code C.int) error {
	switch code {
	case 0:
		return nil
	case -1:
		return fmt.Errorf("%s: libcuda.so.1 is missing or not whole", what)
	default:
		return fmt.Errorf("%s: CUDA error %d", what, code)
	}
}
