import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf'

/** A shallow copy of a message with some fields replaced; fields that this version of the format does not know stay. */
export function copyMessage<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  changes: Partial<MessageShape<D>> = {},
): MessageShape<D> {
  return Object.assign(create(schema), message, changes)
}
