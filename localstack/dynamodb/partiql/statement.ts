/** A PartiQL statement as it was written, before anything is known of its table. */
import type { JsonObject } from "../../json.ts";

/** Names and list indexes, from the attribute inwards. */
export type Path = readonly (string | number)[];

export type Operand =
  | { readonly kind: "path"; readonly path: Path }
  /** A value in DynamoDB's own JSON. */
  | { readonly kind: "literal"; readonly value: JsonObject }
  /** The question mark with this number, from 0. */
  | { readonly kind: "parameter"; readonly index: number }
  | { readonly kind: "call"; readonly name: string; readonly operands: readonly Operand[] }
  | { readonly kind: "sum"; readonly operator: string; readonly operands: readonly [Operand, Operand] };

export type Condition =
  | { readonly kind: "and" | "or"; readonly conditions: readonly Condition[] }
  | { readonly kind: "not"; readonly condition: Condition }
  | { readonly kind: "compare"; readonly operator: string; readonly operands: readonly [Operand, Operand] }
  | { readonly kind: "between"; readonly operands: readonly [Operand, Operand, Operand] }
  | { readonly kind: "in"; readonly operand: Operand; readonly list: readonly Operand[] }
  | { readonly kind: "test"; readonly name: string; readonly operands: readonly Operand[] };

export type Change =
  | { readonly kind: "set"; readonly path: Path; readonly value: Operand }
  | { readonly kind: "remove"; readonly path: Path }
  /** Members that a set gets (`set_add`) or loses (`set_delete`). */
  | { readonly kind: "add" | "delete"; readonly path: Path; readonly value: Operand };

export type Returning = "NONE" | "ALL_OLD" | "ALL_NEW" | "UPDATED_OLD" | "UPDATED_NEW";

export type Action =
  | { readonly kind: "insert"; readonly item: readonly (readonly [string, Operand])[] }
  | {
      readonly kind: "update";
      readonly changes: readonly Change[];
      readonly where: Condition | undefined;
      readonly returning: Returning;
    }
  | { readonly kind: "delete"; readonly where: Condition | undefined; readonly returning: Returning }
  /** `paths` undefined: all attributes. */
  | { readonly kind: "select"; readonly paths: readonly Path[] | undefined; readonly where: Condition | undefined };

export interface Statement {
  readonly table: string;
  readonly action: Action;
  /** Question marks in the text. */
  readonly parameterCount: number;
}
