/** What Linux has to make disks slow, full or read-only for one process. */
import { spawnSync } from 'node:child_process'
import type { Requirement } from '../support/requirement.ts'

export const strace: Requirement = {
  optional: true,
  missing: works(['strace', '-qq', '-o', '/dev/null', 'true'])
    ? undefined
    : 'needs strace, and leave to trace: apt-get install strace',
}

export const mounts: Requirement = {
  optional: true,
  missing: works(['unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
    ? undefined
    : 'needs Linux, and leave to mount: run as root',
}

/** Runs what follows with each call of these names delayed by 200 ms, and writes the calls to `log` as they end. */
export function slowedDown(calls: readonly string[], log: string): string[] {
  const delays = calls.flatMap(call => ['-e', `inject=${call}:delay_enter=200000`])
  return ['strace', '-f', '-qq', '-o', log, '-e', `trace=${calls.join(',')},?link,linkat`, ...delays]
}

/** Runs what follows with each call of this name failing, from the n-th of a thread on; all disk calls in one thread. */
export function failingFrom(call: string, n: number): string[] {
  const trace = ['-e', `trace=${call}`, '-e', `inject=${call}:error=EIO:when=${n}+`]
  return ['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-f', '-qq', '-o', '/dev/null', ...trace]
}

/** Runs what follows with a disk of so many MB mounted at `folder`. */
export function onSmallDisk(folder: string, megabytes: number): string[] {
  return ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o size=${megabytes}m tmpfs "$0" && exec "$@"`, folder]
}

/** Runs what follows with `folder` read-only. */
export function onReadOnlyDisk(folder: string): string[] {
  const script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
  return ['unshare', '-m', 'sh', '-c', script, folder]
}

function works([command = '', ...args]: readonly string[]): boolean {
  return spawnSync(command, args).status === 0
}
