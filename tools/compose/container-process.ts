// A container's main process, killed as a crash would end it: the engine has not been asked, and applies its restart policy.

import { readFile } from 'node:fs/promises';

/** False where it can't be done: the engine runs elsewhere, or the process is not ours to kill. */
export async function killProcess(pid: number, containerId: string): Promise<boolean> {
  if (!(await isOf(containerId, pid))) return false;
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** The number is the engine's: where that runs in a machine or a container of its own, it is some other process here. */
async function isOf(containerId: string, pid: number): Promise<boolean> {
  for (const file of ['cgroup', 'mountinfo']) {
    const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    if (text.includes(containerId)) return true;
  }
  return false;
}
