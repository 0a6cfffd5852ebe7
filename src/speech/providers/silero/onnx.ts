/**
 * Reads the weights out of an ONNX file: just enough of the protobuf wire format to walk from the model to the float
 * constants of its graphs, nested ones included. It does not evaluate graphs.
 *
 * Field numbers are those of `onnx.proto`: ModelProto.graph 7; GraphProto.node 1; NodeProto.output 2, attribute 5;
 * AttributeProto.t 5, g 6; TensorProto.dims 1, data_type 2, raw_data 9.
 */

export interface Tensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

interface Field {
  readonly number: number
  /** A varint, or the bytes of a length-delimited or fixed-size field. */
  readonly value: number | Uint8Array
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

const FLOAT = 1

/**
 * @returns every float constant by the name of its node's output. Names are unique over a model's graphs.
 * @throws Error when `file` is not a protobuf message
 */
export function readConstants(file: Uint8Array): Map<string, Tensor> {
  const found = new Map<string, Tensor>()
  for (const graph of messages(fields(file), 7)) readGraph(graph, found)
  return found
}

function readGraph(graph: Uint8Array, found: Map<string, Tensor>): void {
  for (const bytes of messages(fields(graph), 1)) {
    const node = fields(bytes)
    const output = messages(node, 2)[0]
    for (const attribute of messages(node, 5)) {
      const parts = fields(attribute)
      for (const nested of messages(parts, 6)) readGraph(nested, found)
      const tensor = messages(parts, 5).map(readTensor)[0]
      if (tensor && output) found.set(new TextDecoder().decode(output), tensor)
    }
  }
}

function readTensor(bytes: Uint8Array): Tensor | undefined {
  const parts = fields(bytes)
  const type = parts.find((field) => field.number === 2)?.value
  const raw = messages(parts, 9)[0]
  if (type !== FLOAT || !raw) return undefined
  const dims = parts.filter((field) => field.number === 1).map((field) => Number(field.value))
  return { dims, data: new Float32Array(new Uint8Array(raw).buffer) }
}

function messages(all: readonly Field[], number: number): Uint8Array[] {
  return all.flatMap((field) => (field.number === number && field.value instanceof Uint8Array ? [field.value] : []))
}

function fields(bytes: Uint8Array): Field[] {
  const found: Field[] = []
  let at = 0
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('the ONNX file ends inside a field')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const take = (sizeBytes: number): Uint8Array => {
    if (at + sizeBytes > bytes.length) throw new Error('the ONNX file ends inside a field')
    at += sizeBytes
    return bytes.subarray(at - sizeBytes, at)
  }
  while (at < bytes.length) {
    const key = varint()
    const number = Math.floor(key / 8)
    found.push({ number, value: readValue(key % 8, varint, take) })
  }
  return found
}

function readValue(wireType: number, varint: () => number, take: (sizeBytes: number) => Uint8Array) {
  switch (wireType) {
    case VARINT:
      return varint()
    case FIXED64:
      return take(8)
    case BYTES:
      return take(varint())
    case FIXED32:
      return take(4)
    default:
      throw new Error(`not an ONNX file: wire type ${wireType}`)
  }
}
