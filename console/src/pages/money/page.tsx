import { useState } from "react";
import { getAddress, isAddress, type Address } from "viem";
import { goTo, linkTo, usePlace } from "../../router.ts";
import { Account } from "./account.tsx";

/** The account of a payer: chosen by its address, which is in the page's address. */
export default function MoneyPage() {
  const {
    path: [, given = ""],
  } = usePlace();
  const payer = isAddress(given, { strict: false }) ? getAddress(given) : undefined;
  return (
    <>
      <div className="page-head">
        <h1>Money</h1>
      </div>
      <Chooser key={`chooser ${given}`} given={given} payer={payer} />
      {payer !== undefined && <Account key={payer} payer={payer} />}
    </>
  );
}

function Chooser({ given, payer }: { given: string; payer: Address | undefined }) {
  const [text, setText] = useState(given.slice(0, 80));
  const [isWrong, setWrong] = useState(given !== "" && payer === undefined);
  return (
    <form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault();
        const address = text.trim();
        if (isAddress(address, { strict: false })) goTo(linkTo(["money", getAddress(address)]));
        else setWrong(true);
      }}
    >
      <label className="field field-wide">
        Address of an account
        <input
          value={text}
          maxLength={80}
          spellCheck={false}
          autoComplete="off"
          placeholder="0x…"
          aria-invalid={isWrong}
          aria-describedby={isWrong ? "money-wrong" : undefined}
          onChange={(event) => {
            setText(event.target.value);
            setWrong(false);
          }}
        />
      </label>
      <button type="submit" className="primary">
        Show
      </button>
      {isWrong && (
        <p id="money-wrong" className="warn" role="alert">
          Not an address: give 0x and 40 hexadecimal digits.
        </p>
      )}
      {payer === undefined && !isWrong && (
        <p className="muted">
          An account at the Cashier pays services by signatures. Its deposits, tabs and payments are
          on chain, so anyone can read them.
        </p>
      )}
    </form>
  );
}
