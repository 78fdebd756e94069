import { expect, it } from "vitest";
import { noteDate, serviceNow } from "../../../shared/dashboard/clock.ts";

it("the page has the service's clock, by the Date of its answers, and leaves small differences", () => {
  const ahead = (): number => serviceNow() - Date.now();
  const at = (milliseconds: number): string => new Date(Date.now() + milliseconds).toUTCString();
  expect(ahead()).toBe(0);
  noteDate(at(1500));
  noteDate(null);
  noteDate("yesterday");
  expect(ahead()).toBe(0);
  noteDate(at(86_400_000));
  const day = ahead();
  expect(Math.abs(day - 86_400_000)).toBeLessThan(1100);
  noteDate(at(86_401_000));
  expect(ahead()).toBe(day);
  noteDate(at(0));
  expect(Math.abs(ahead())).toBeLessThan(1100);
});
