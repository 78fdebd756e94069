import { isObject } from "../json.ts";

/** The compiled CloudFormation template, as far as the local cloud reads it. */
export interface Template {
  Resources: Record<string, TemplateResource>;
}

export interface TemplateResource {
  Type: string;
  Properties?: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
}

/** A created resource's answers to `Ref` and `Fn::GetAtt`. */
export interface Created {
  ref: string;
  attributes: Record<string, string>;
}

/** Resources of one type, with their logical ids. */
export function resourcesOf(
  template: Template,
  type: string,
): { id: string; properties: Record<string, unknown>; metadata: Record<string, unknown> }[] {
  return Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => ({ id, properties: resource.Properties ?? {}, metadata: resource.Metadata ?? {} }));
}

/** A field that must be text or a number; text because CloudFormation takes either for the other. */
export function textField(properties: Record<string, unknown>, field: string): string | undefined {
  const value = properties[field];
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

export function numberField(properties: Record<string, unknown>, field: string, fallback: number): number {
  const value = Number(properties[field] ?? fallback);
  if (Number.isNaN(value))
    throw new Error(`Property '${field}' has the value '${String(properties[field])}': expected a number.`);
  return value;
}

/** A whole number within AWS's bounds, the upper one of which is its default. @throws Error for any other */
export function rangeField(
  properties: Record<string, unknown>,
  field: string,
  [least, most]: readonly [number, number],
): number {
  const value = numberField(properties, field, most);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`Property '${field}' has the value '${value}': expected a whole number from ${least} to ${most}.`);
}

export function listField(properties: Record<string, unknown>, field: string): unknown[] {
  const value = properties[field];
  return Array.isArray(value) ? value : [];
}

export function objectField(properties: Record<string, unknown>, field: string): Record<string, unknown> | undefined {
  const value = properties[field];
  return isObject(value) ? value : undefined;
}
