# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: One line a play, what failed in full, and the summaries of the product
version_added: 0.1.0
description:
  - For people who read the summaries of C(change_set), C(findings_plan), C(verdicts) and C(rollback) rather than each
    task.
  - Prints the name of each play, the task that runs (on a terminal, on one line that is overwritten), the time of each
    task that took more than five seconds, and every failure with its message. Diffs are shown when Ansible is run with
    C(--diff).
  - Use it with C(ANSIBLE_STDOUT_CALLBACK=care.remediation.progress).
author:
  - care.remediation contributors (@care-remediation)
extends_documentation_fragment:
  - ansible.builtin.default_callback
requirements:
  - set as stdout in configuration
"""

import sys
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

# Without a terminal, a sign of life at most this often, seconds.
EVERY = 10.0
# A task that took longer is named with its time, seconds.
SLOW = 5.0
WIDTH = 110


class CallbackModule(CallbackBase):
    """Stdout callback: quiet on success, complete on failure."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "care.remediation.progress"

    def __init__(self) -> None:
        super().__init__()
        self._terminal = sys.stdout.isatty()
        self._shown = 0.0
        self._tasks = 0
        # (host, task) to when it began: targets are at different tasks at the same time.
        self._began: dict[tuple[str, str], float] = {}

    def _status(self, text: str) -> None:
        if self._terminal:
            sys.stdout.write("\r\x1b[K" + text[:WIDTH])
            sys.stdout.flush()
        elif time.monotonic() - self._shown > EVERY:
            self._shown = time.monotonic()
            self._display.display(text)

    def _clear(self) -> None:
        if self._terminal:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()

    def _ended(self, result: Any) -> None:
        self._clear()
        host, task = result._host.get_name(), result._task
        seconds = time.monotonic() - self._began.pop((host, task._uuid), time.monotonic())
        if seconds > SLOW:
            self._display.display(f"  {seconds:6.1f} s  [{host}] {task.get_name().strip()}")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._began.clear()
        self._clear()
        self._display.display(f"• {play.get_name().strip()}")
        self._shown = time.monotonic()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._tasks += 1
        self._status(f"  … {self._tasks} {task.get_name().strip()}")

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._began[(host.get_name(), task._uuid)] = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        # What a task prints by itself must not follow the progress on the same line.
        self._ended(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._ended(result)

    def v2_on_file_diff(self, result: Any) -> None:
        entries = result._result.get("results") if result._task.loop else [result._result]
        for entry in entries or []:
            if entry.get("diff") and entry.get("changed", False):
                self._clear()
                text = self._get_diff(entry["diff"])
                if text:
                    self._display.display(text)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result)
        if ignore_errors:
            return
        host = result._host.get_name()
        message = result._result.get("msg") or self._dump_results(result._result)
        self._display.display(f"[{host}] {result._task.get_name().strip()}\n  {message}", color="red", stderr=False)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self.v2_runner_on_failed(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._ended(result)
        self._display.display(f"[{result._host.get_name()}] unreachable: {result._result.get('msg', '')}", color="red")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._clear()
        for host in sorted(stats.processed):
            counts = stats.summarize(host)
            told = ", ".join(f"{name} {count}" for name, count in counts.items() if count and name != "skipped")
            self._display.display(f"  {host}: {told}")
