/** Goes into every record: change it whenever the same photo would give other tensors or other scores. */
export const TASKS_VERSION = '1'
