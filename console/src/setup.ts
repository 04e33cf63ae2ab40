import * as z from "zod";

// Compiled parsers need `new Function`, which the page's policy forbids: the first import of main.tsx turns them off.
z.config({ jitless: true });
