import type { Bytes } from '../lib/bytes.ts'
import { sha256 } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { SIGNATURE_HEADER } from '../protocol/hub.ts'
import { verify } from '../protocol/sign.ts'

/** That the body was sent by who has this key. @throws JikoError `hub/unsigned`, `hub/bad-signature`. */
export async function checkSignature(request: Request, body: Bytes, key: string): Promise<void> {
  const signature = request.headers.get(SIGNATURE_HEADER)
  if (signature === null) {
    throw new JikoError('hub/unsigned', `the request has no ${SIGNATURE_HEADER} header: sign it with the device key`)
  }
  if (await verify(key, await sha256(body), signature)) return
  throw new JikoError('hub/bad-signature', 'the signature is not of this body by this device')
}
