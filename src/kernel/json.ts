/** JSON as a type: rows, events, commands and inputs are plain data that survive a file, a thread and a bus. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [name: string]: Json | undefined
}
