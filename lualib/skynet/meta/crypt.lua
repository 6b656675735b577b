---@meta skynet.crypt

--- Hashes, DES, a key exchange and texts for bytes: what the login protocol is made of. `client.crypt` is the same module. All
--- results are strings of raw bytes, but for those of `base64encode` and `hexencode`.
---
--- DES, a key exchange over 64 bits and SHA-1 keep nobody out who tries. They are here for the clients that speak them.
---@class skynet.crypt
local crypt = {}

--- How the last block is filled.
---@class skynet.crypt.padding
---@field iso7816_4 0 0x80, then zeros
---@field pkcs7 1 the number of padding bytes, in each of them

---@type skynet.crypt.padding
crypt.padding = {}

--- Eight random bytes of the system, never all zero.
---@return string key
function crypt.randomkey() end

--- Eight bytes for a text of any length; no secret goes into them.
---@param text string
---@return string
function crypt.hashkey(text) end

--- Encrypts with DES, each block of eight bytes for itself. Raises `Invalid key size n, need 8 bytes`, `Invalid padding mode n`.
---@param key string eight bytes
---@param text string
---@param padding? 0|1 from `crypt.padding`; default iso7816_4
---@return string
function crypt.desencode(key, text, padding) end

--- Decrypts. Raises `Invalid des crypt text length n` unless the text has whole blocks, and `Invalid des crypt text` if it does
--- not end in the padding, as with a wrong key.
---@param key string eight bytes
---@param text string
---@param padding? 0|1 from `crypt.padding`; default iso7816_4
---@return string
function crypt.desdecode(key, text, padding) end

--- A code of eight bytes over two keys. Raises `Invalid uint64 x` or `Invalid uint64 y`.
---@param x string eight bytes
---@param y string eight bytes
---@return string
function crypt.hmac64(x, y) end

--- The same by whole MD5. Raises as `hmac64`.
---@param x string eight bytes
---@param y string eight bytes
---@return string
function crypt.hmac64_md5(x, y) end

--- `hmac64(hashkey(text), key)`. Raises `Invalid uint64 key`.
---@param key string eight bytes
---@param text string
---@return string
function crypt.hmac_hash(key, text) end

--- The public half of a key. Raises `Invalid dh uint64 key`, `Can't be 0`.
---@param key string eight bytes
---@return string
function crypt.dhexchange(key) end

--- What both sides know. Raises `Invalid uint64 x`, `Invalid uint64 y`, `Can't be 0`.
---@param public string eight bytes, the other side's public half
---@param key string eight bytes, the own key
---@return string
function crypt.dhsecret(public, key) end

---@param bytes string
---@return string text with padding and without line breaks
function crypt.base64encode(bytes) end

--- Skips characters that are not of the alphabet, and forgives missing padding. Raises `Invalid base64 text`.
---@param text string
---@return string bytes
function crypt.base64decode(text) end

---@param bytes string
---@return string text lower-case digits
function crypt.hexencode(bytes) end

--- Raises `Invalid hex text size n`, and `Invalid hex text` for other characters than `0-9a-f`.
---@param text string
---@return string bytes
function crypt.hexdecode(text) end

---@param text string
---@return string sum 20 bytes
function crypt.sha1(text) end

---@param key string of any length
---@param text string
---@return string code 20 bytes
function crypt.hmac_sha1(key, text) end

--- Xors a text with a key that is repeated. Raises `Can't xor empty string` for an empty key.
---@param text string
---@param key string
---@return string
function crypt.xor_str(text, key) end

return crypt
