-- The table of 100 records that the table benchmarks carry.
local records = {}

for i = 1, 100 do
	records[i] = { id = i, name = "record " .. i, level = i * 3, rate = i / 7, online = i % 2 == 0 }
end

return records
