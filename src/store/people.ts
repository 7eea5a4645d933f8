import { type Actors, createActors } from './actors.ts'
import { createIdbDatabase } from './idb-database.ts'
import { createLock, type Lock } from './lock.ts'

/** Who uses this phone, and whether the app is locked. A part of its own: most phones have one person and no lock. */
export function openPeople(name: string): { people: Actors; lock: Lock } {
  const database = createIdbDatabase(name)
  return { people: createActors(database), lock: createLock(database) }
}
