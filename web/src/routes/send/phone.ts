/** The phone of contract B's form: ten digits. */

export interface PhoneCheck {
  /** What is wrong already, while it is still being typed. */
  problem?: string;
  isComplete: boolean;
  digits: number;
}

export function checkPhone(text: string): PhoneCheck {
  const digits = text.replace(/\D/g, "").length;
  if (/\D/.test(text)) return { problem: "Only digits: ten of them, such as 2015550101.", isComplete: false, digits };
  if (digits > 10) return { problem: `That is ${digits} digits; ten are wanted.`, isComplete: false, digits };
  return { isComplete: digits === 10, digits };
}

/** What is wrong with it when it is to be sent. */
export function refusePhone(text: string): string | undefined {
  const { problem, isComplete, digits } = checkPhone(text);
  if (isComplete) return undefined;
  if (problem) return problem;
  return digits === 0 ? "Enter the phone number: ten digits." : `That is ${digits} ${digits === 1 ? "digit" : "digits"}; ten are wanted.`;
}

/** A number as people write and paste it, such as `+1 (201) 555-0101`, as its ten digits; anything else stays as it is. */
export function tidyPhone(text: string): string {
  const bare = text.replace(/[\s().\u00a0\u2010-\u2015-]/g, "");
  const national = bare.replace(/^(?:\+1|1(?=\d{10}$))/, "");
  return /^\d{10}$/.test(national) ? national : text.trim();
}
