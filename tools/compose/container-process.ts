// Kills a container's main process as a crash would: the engine applies its restart policy.

import { readFile } from 'node:fs/promises';

/** False if the engine runs elsewhere, or this user may not kill the process. */
export async function killProcess(pid: number, containerId: string): Promise<boolean> {
  if (!(await isOf(containerId, pid))) return false;
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** `pid` is the engine's number. If the engine runs elsewhere, it is another process here. */
async function isOf(containerId: string, pid: number): Promise<boolean> {
  for (const file of ['cgroup', 'mountinfo']) {
    const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    if (text.includes(containerId)) return true;
  }
  return false;
}
