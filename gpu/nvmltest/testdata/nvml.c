/*
 * An NVML whose answers come from the file that NVML_SCRIPT names, at each
 * call. The package comment of nvmltest says what is in it. Each call is a line
 * of the file that NVML_CALLS names, where it names one. Build with
 * -DnvmlSomething=absent to leave out a function.
 *
 * Calls that would go wrong with the driver's library end the process: any
 * before nvmlInit or after it failed, or on a handle that was never given out.
 */
#define NVML_NO_UNVERSIONED_FUNC_DEFS 1
#include "nvml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES 16
#define INSTANCES 8
static char devices[DEVICES];
static char instances[DEVICES * INSTANCES]; /* MIG */
static char given[DEVICES];
static int initialised;

static void die(const char *why)
{
	fprintf(stderr, "fake NVML: %s\n", why);
	abort();
}

static nvmlReturn_t scripted(const char *who, const char *function, nvmlReturn_t otherwise, char *answer, size_t size)
{
	static char line[256], w[32], f[64], sign[4];
	FILE *script = fopen(getenv("NVML_SCRIPT") ? getenv("NVML_SCRIPT") : "", "r");
	if (!script)
		die("NVML_SCRIPT names no readable file");
	if (getenv("NVML_CALLS")) {
		FILE *calls = fopen(getenv("NVML_CALLS"), "a");
		if (!calls)
			die("NVML_CALLS names no file that can be written");
		fprintf(calls, "%s %s\n", who, function);
		fclose(calls);
	}
	nvmlReturn_t ret = otherwise;
	while (fgets(line, sizeof line, script)) {
		int rest = 0;
		if (sscanf(line, "%31s %63s %3s %n", w, f, sign, &rest) < 3 || strcmp(w, who) || strcmp(f, function))
			continue;
		line[strcspn(line, "\n")] = 0;
		if (*sign == '~') {
			usleep(1000 * atoi(line + rest));
			continue;
		}
		if (*sign == '!') {
			ret = atoi(line + rest);
		} else {
			ret = NVML_SUCCESS;
			snprintf(answer, size, "%s", line + rest);
		}
		break;
	}
	fclose(script);
	return ret;
}

static nvmlReturn_t ask(const char *function, char *answer, size_t size)
{
	if (!initialised)
		die("called while not initialised");
	return scripted("-", function, NVML_ERROR_NOT_SUPPORTED, answer, size);
}

static nvmlReturn_t ask_device(nvmlDevice_t device, const char *function, char *answer, size_t size)
{
	char who[16];
	long index = (char *)device.handle - devices;
	if (!initialised)
		die("called while not initialised");
	long instance = (char *)device.handle - instances;
	if (instance >= 0 && instance < DEVICES * INSTANCES) {
		snprintf(who, sizeof who, "%ld.%ld", instance / INSTANCES, instance % INSTANCES);
		return scripted(who, function, NVML_ERROR_NOT_SUPPORTED, answer, size);
	}
	if (index < 0 || index >= DEVICES || !given[index])
		die("called on a handle that was never given out");
	snprintf(who, sizeof who, "%ld", index);
	return scripted(who, function, NVML_ERROR_NOT_SUPPORTED, answer, size);
}

static nvmlReturn_t init(void)
{
	char answer[256];
	nvmlReturn_t ret = scripted("-", "Init", NVML_SUCCESS, answer, sizeof answer);
	if (ret == NVML_SUCCESS)
		initialised++; /* as NVML does: it counts */
	return ret;
}

nvmlReturn_t nvmlInit_v2(void) { return init(); }
nvmlReturn_t nvmlInit(void) { return init(); }

nvmlReturn_t nvmlShutdown(void)
{
	char answer[256];
	if (!initialised)
		die("shut down while not initialised");
	initialised--;
	return scripted("-", "Shutdown", NVML_SUCCESS, answer, sizeof answer);
}

/* Text. */
static nvmlReturn_t copy(nvmlReturn_t ret, const char *answer, char *out, unsigned int length)
{
	if (ret == NVML_SUCCESS)
		snprintf(out, length, "%s", answer);
	return ret;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
	char a[256];
	return copy(ask("SystemGetDriverVersion", a, sizeof a), a, version, length);
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length)
{
	char a[256];
	return copy(ask_device(device, "DeviceGetUUID", a, sizeof a), a, uuid, length);
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length)
{
	char a[256];
	return copy(ask_device(device, "DeviceGetName", a, sizeof a), a, name, length);
}

/* Numbers. */
static nvmlReturn_t parse(nvmlReturn_t ret, const char *answer, int want, unsigned long long *n)
{
	if (ret == NVML_SUCCESS && sscanf(answer, "%llu %llu %llu %llu", n, n + 1, n + 2, n + 3) < want)
		die("the script's answer has too few numbers");
	return ret;
}

#define NUMBERS(want, asked) \
	char a[256]; \
	unsigned long long n[4] = {0}; \
	nvmlReturn_t ret = parse(asked, a, want, n); \
	if (ret != NVML_SUCCESS) \
		return ret

nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version)
{
	NUMBERS(1, ask("SystemGetCudaDriverVersion", a, sizeof a));
	*version = n[0];
	return ret;
}

static nvmlReturn_t count(unsigned int *devices)
{
	NUMBERS(1, ask("DeviceGetCount", a, sizeof a));
	*devices = n[0];
	return ret;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *devices) { return count(devices); }
nvmlReturn_t nvmlDeviceGetCount(unsigned int *devices) { return count(devices); }

static nvmlReturn_t handle(unsigned int index, nvmlDevice_t *device)
{
	char who[16], a[256];
	unsigned int devices_there = 0;
	nvmlReturn_t ret = count(&devices_there);
	if (ret != NVML_SUCCESS)
		return ret;
	if (index >= devices_there || index >= DEVICES)
		return NVML_ERROR_INVALID_ARGUMENT;
	snprintf(who, sizeof who, "%u", index);
	ret = scripted(who, "DeviceGetHandleByIndex", NVML_SUCCESS, a, sizeof a);
	if (ret == NVML_SUCCESS) {
		given[index] = 1;
		device->handle = (void *)(devices + index);
	}
	return ret;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) { return handle(index, device); }
nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t *device) { return handle(index, device); }

/* total reserved free used */
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
	if (memory->version != nvmlMemory_v2)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	NUMBERS(4, ask_device(device, "DeviceGetMemoryInfo_v2", a, sizeof a));
	memory->total = n[0];
	memory->reserved = n[1];
	memory->free = n[2];
	memory->used = n[3];
	return ret;
}

/* total free used */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
	NUMBERS(3, ask_device(device, "DeviceGetMemoryInfo", a, sizeof a));
	memory->total = n[0];
	memory->free = n[1];
	memory->used = n[2];
	return ret;
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor)
{
	NUMBERS(2, ask_device(device, "DeviceGetCudaComputeCapability", a, sizeof a));
	*major = n[0];
	*minor = n[1];
	return ret;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending)
{
	NUMBERS(2, ask_device(device, "DeviceGetMigMode", a, sizeof a));
	*current = n[0];
	*pending = n[1];
	return ret;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count)
{
	NUMBERS(1, ask_device(device, "DeviceGetMaxMigDeviceCount", a, sizeof a));
	*count = n[0];
	return ret;
}

/* An instance is there where the script gives it a UUID. */
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *instance)
{
	char a[256];
	long of = (char *)device.handle - devices;
	if (index >= INSTANCES)
		return NVML_ERROR_INVALID_ARGUMENT;
	instance->handle = (void *)(instances + of * INSTANCES + index);
	return ask_device(*instance, "DeviceGetUUID", a, sizeof a) == NVML_SUCCESS ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *clock)
{
	if (type != NVML_CLOCK_MEM)
		return NVML_ERROR_INVALID_ARGUMENT;
	NUMBERS(1, ask_device(device, "DeviceGetMaxClockInfo", a, sizeof a));
	*clock = n[0];
	return ret;
}

#define NUMBER(name) \
	nvmlReturn_t nvml##name(nvmlDevice_t device, unsigned int *out) \
	{ \
		NUMBERS(1, ask_device(device, #name, a, sizeof a)); \
		*out = n[0]; \
		return ret; \
	}

NUMBER(DeviceGetEnforcedPowerLimit)
NUMBER(DeviceGetMemoryBusWidth)
NUMBER(DeviceGetMaxPcieLinkGeneration)
NUMBER(DeviceGetMaxPcieLinkWidth)

/* The first version fills only the short address, "0000:1B:00.0". */
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci)
{
	char a[256];
	return copy(ask_device(device, "DeviceGetPciInfo", a, sizeof a), a, pci->busId, sizeof pci->busId);
}

nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_t *pci)
{
	char a[256];
	return copy(ask_device(device, "DeviceGetPciInfo", a, sizeof a), a + 4, pci->busIdLegacy, sizeof pci->busIdLegacy);
}

/*
 * Links: the states of links 0, 1, ... as one letter each: u(p), d(own),
 * n(ot supported), l(ost), p(ermission); past the last, an invalid argument.
 */
nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned int link, nvmlEnableState_t *active)
{
	char a[256];
	nvmlReturn_t ret = ask_device(device, "DeviceGetNvLinkState", a, sizeof a);
	if (ret != NVML_SUCCESS)
		return ret;
	if (link >= strlen(a))
		return NVML_ERROR_INVALID_ARGUMENT;
	switch (a[link]) {
	case 'n': return NVML_ERROR_NOT_SUPPORTED;
	case 'l': return NVML_ERROR_GPU_IS_LOST;
	case 'p': return NVML_ERROR_NO_PERMISSION;
	}
	*active = a[link] == 'u' ? NVML_FEATURE_ENABLED : NVML_FEATURE_DISABLED;
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetNvLinkVersion(nvmlDevice_t device, unsigned int link, unsigned int *version)
{
	NUMBERS(1, ask_device(device, "DeviceGetNvLinkVersion", a, sizeof a));
	*version = n[0];
	return ret;
}

NUMBER(DeviceGetPowerUsage)

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned int *out)
{
	if (sensor != NVML_TEMPERATURE_GPU)
		return NVML_ERROR_INVALID_ARGUMENT;
	NUMBERS(1, ask_device(device, "DeviceGetTemperature", a, sizeof a));
	*out = n[0];
	return ret;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *out)
{
	if (type != NVML_CLOCK_SM)
		return NVML_ERROR_INVALID_ARGUMENT;
	NUMBERS(1, ask_device(device, "DeviceGetClockInfo", a, sizeof a));
	*out = n[0];
	return ret;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *out)
{
	NUMBERS(1, ask_device(device, "DeviceGetTotalEnergyConsumption", a, sizeof a));
	*out = n[0];
	return ret;
}

/* Percent: GPU memory */
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *out)
{
	NUMBERS(2, ask_device(device, "DeviceGetUtilizationRates", a, sizeof a));
	out->gpu = n[0];
	out->memory = n[1];
	return ret;
}

/* Pairs: a process and its bytes, "-" for unknown. */
static nvmlReturn_t processes(nvmlDevice_t device, const char *function, unsigned int *count, nvmlProcessInfo_t *infos)
{
	char a[256], bytes[32];
	unsigned int pid, there = 0;
	int used;
	nvmlReturn_t ret = ask_device(device, function, a, sizeof a);
	if (ret != NVML_SUCCESS)
		return ret;
	for (char *p = a; sscanf(p, "%u %31s%n", &pid, bytes, &used) == 2; p += used) {
		if (there < *count) {
			memset(&infos[there], 0, sizeof infos[there]);
			infos[there].pid = pid;
			infos[there].usedGpuMemory = *bytes == '-' ? NVML_VALUE_NOT_AVAILABLE : strtoull(bytes, NULL, 10);
		}
		there++;
	}
	ret = there > *count ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
	*count = there;
	return ret;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos)
{
	return processes(device, "DeviceGetComputeRunningProcesses", count, infos);
}

nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos)
{
	return processes(device, "DeviceGetGraphicsRunningProcesses", count, infos);
}

/* The function's name has the process after a slash, as the answer may have blanks. */
nvmlReturn_t nvmlSystemGetProcessName(unsigned int pid, char *name, unsigned int length)
{
	char function[64], a[256];
	snprintf(function, sizeof function, "SystemGetProcessName/%u", pid);
	return copy(ask(function, a, sizeof a), a, name, length);
}
