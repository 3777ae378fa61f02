"""How the machine fares while a run goes on: processor, memory, disk, network, and NVIDIA GPUs where there are any.

Measured every few seconds in a thread of its own and logged like any other series, under the names that MLflow's
own page groups under "system".
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

EVERY = 10.0
"""Seconds between two measurements."""

_MEGA = 1e6


class Machine:
    """What the machine says of itself. Network traffic is counted from the first measurement on."""

    def __init__(self, folder: str) -> None:
        import psutil

        self._psutil, self._folder = psutil, folder
        self._process = psutil.Process()
        self._traffic = psutil.net_io_counters()
        self._gpus = Gpus()
        psutil.cpu_percent()  # the first call only sets where the next one counts from
        self._process.cpu_percent()

    def measure(self) -> dict[str, float]:
        """Every series and its value now; what cannot be read is left out."""
        found: dict[str, float] = {}
        for part in (self._processor, self._memory, self._disk, self._network, self._gpus.measure):
            with suppress(Exception):
                found |= part()
        return found

    def _processor(self) -> dict[str, float]:
        return {
            "system/cpu_utilization_percentage": self._psutil.cpu_percent(),
            "system/process_cpu_percentage": self._process.cpu_percent(),
        }

    def _memory(self) -> dict[str, float]:
        memory = self._psutil.virtual_memory()
        return {
            "system/system_memory_usage_megabytes": memory.used / _MEGA,
            "system/system_memory_usage_percentage": memory.percent,
            "system/process_memory_megabytes": self._process.memory_info().rss / _MEGA,
        }

    def _disk(self) -> dict[str, float]:
        disk = self._psutil.disk_usage(self._folder)
        return {
            "system/disk_usage_percentage": disk.percent,
            "system/disk_usage_megabytes": disk.used / _MEGA,
            "system/disk_available_megabytes": disk.free / _MEGA,
        }

    def _network(self) -> dict[str, float]:
        now = self._psutil.net_io_counters()
        return {
            "system/network_receive_megabytes": (now.bytes_recv - self._traffic.bytes_recv) / _MEGA,
            "system/network_transmit_megabytes": (now.bytes_sent - self._traffic.bytes_sent) / _MEGA,
        }


class Gpus:
    """NVIDIA GPUs, asked through NVML; none when its binding (the extra `gpu`) or its driver is not there."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: list[Any] = []
        with suppress(Exception):
            import pynvml

            pynvml.nvmlInit()
            self._nvml = pynvml
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]

    def measure(self) -> dict[str, float]:
        """Use, memory and power of each GPU."""
        found: dict[str, float] = {}
        for number, handle in enumerate(self._handles):
            gpu = f"system/gpu_{number}_"
            with suppress(Exception):
                memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
                found[f"{gpu}memory_usage_megabytes"] = memory.used / _MEGA
                found[f"{gpu}memory_usage_percentage"] = 100 * memory.used / memory.total
            with suppress(Exception):
                found[f"{gpu}utilization_percentage"] = self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu
            with suppress(Exception):
                found[f"{gpu}power_usage_watts"] = self._nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        return found


class Watching:
    """Measures until it is stopped; `log` takes each measurement."""

    def __init__(self, folder: str, log: Callable[[dict[str, float]], None], every: float = EVERY) -> None:
        self._folder, self._log, self._every = folder, log, every
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="noria-system", daemon=True).start()

    def stop(self) -> None:
        """Measure no more."""
        self._stopped.set()

    def _watch(self) -> None:
        with suppress(Exception):
            machine = Machine(self._folder)
            while not self._stopped.wait(self._every):
                self._log(machine.measure())
