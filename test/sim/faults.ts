import { cutAnswer, cutRequest, type Fault, faults } from '../unit/sync/link.ts'

/** By index, so that a history names them: see `FAULT_COUNT`. `meanwhile` saves a record on the phone that asks. */
export function faultOf(
  index: number,
  reach: (request: Request) => Promise<Response>,
  meanwhile: () => Promise<unknown>,
): Fault {
  const all: readonly Fault[] = [
    faults.none,
    faults.refused,
    faults.answerLost,
    faults.thrice,
    faults.portalPage,
    faults.portalJson,
    faults.portalRedirect,
    faults.portalNoContent,
    faults.failing,
    faults.unavailable,
    faults.tooOften,
    faults.tooLarge,
    cutAnswer(60, true),
    cutAnswer(60, false),
    cutRequest(700, reach),
    async (forward) => {
      await meanwhile()
      const answer = await forward()
      await meanwhile()
      return answer
    },
  ]
  return all[index % all.length] ?? faults.none
}
