import fc from 'fast-check'

/**
 * Property tests run on one fixed seed, so that a red run is about the change at hand and can be had again. To look
 * for new trouble: `JIKO_SEED=$RANDOM npm run test:unit`.
 */
const wanted = process.env.JIKO_SEED
export const seed = wanted === undefined ? 20_261_123 : Number(wanted)
if (!Number.isSafeInteger(seed)) throw new Error(`JIKO_SEED is not a whole number: ${wanted}`)
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
