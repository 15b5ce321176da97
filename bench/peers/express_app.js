// Contract B with Express: texts sent with a form, and their list. STORE is `sqlite` (better-sqlite3) or `pg`.

import express from "express";

const { open } = await import(`./express_${process.env.STORE}.js`);
const store = await open(process.env.DATABASE_URL);
const app = express();
app.use(express.json());

app.post("/send-message", async (request, response) => {
    const phone = request.body.recipient_phone ?? request.body.phoneNumber;
    const text = request.body.message_body ?? request.body.message;
    if (typeof phone !== "string" || !/^\d{10}$/.test(phone)) {
        return response.status(400).json({ error: "recipient_phone must be ten digits" });
    }
    if (typeof text !== "string" || text === "") {
        return response.status(400).json({ error: "message_body must be a text" });
    }
    response.status(201).json(await store.add(phone, text, new Date()));
});

app.get("/messages", async (request, response) => {
    const limit = Math.min(Math.max(Number.parseInt(request.query.limit ?? "1000", 10) || 1000, 1), 1000);
    response.json(await store.list(limit));
});

app.listen(Number(process.env.PORT), "127.0.0.1", 1024);
