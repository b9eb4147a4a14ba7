"""What every program shares; the programs use it as `program.x`."""

from experiments.program.flags import (
    define_config_flags,
    define_dataset_flags,
    define_device_flag,
    define_keep_flag,
    define_network_flags,
    define_num_processes_flag,
    define_recordings_flags,
    define_scoring_flags,
    define_strategy_flag,
    define_system_module_flag,
)
from experiments.program.opening import (
    find_systems,
    load_data_set,
    make_recognizer,
    make_strategy,
    network_dir,
    open_builder,
    open_data_set,
    open_run,
    prepare,
    prepare_device,
    read_config,
)
from experiments.program.running import run

__all__ = [
    "define_config_flags",
    "define_dataset_flags",
    "define_device_flag",
    "define_keep_flag",
    "define_network_flags",
    "define_num_processes_flag",
    "define_recordings_flags",
    "define_scoring_flags",
    "define_strategy_flag",
    "define_system_module_flag",
    "find_systems",
    "load_data_set",
    "make_recognizer",
    "make_strategy",
    "network_dir",
    "open_builder",
    "open_data_set",
    "open_run",
    "prepare",
    "prepare_device",
    "read_config",
    "run",
]
