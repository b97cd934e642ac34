// The service `elivepatchd`.

return 2;
