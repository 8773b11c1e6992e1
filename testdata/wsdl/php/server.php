<?php
// A SoapServer of each WSDL here, at its name: php -S 127.0.0.1:8000 server.php
ini_set("soap.wsdl_cache_enabled", "0");

class Rates
{
    public function rates(string $base, int $limit)
    {
        $rates = [];
        foreach (array_slice(["USD" => "1.08", "GBP" => "0.86"], 0, $limit) as $currency => $value) {
            $rates[] = ["currency" => $currency, "value" => $value, "day" => "2026-11-24"];
        }
        return ["rate" => $rates];
    }
    public function store($rate)
    {
        if ($rate->value <= 0) {
            throw new SoapFault("Client", "no rate is that low");
        }
    }
}

class Calculator
{
    public function Sum($in)
    {
        return ["SumResult" => $in->left + $in->right];
    }
    public function Quotient($in)
    {
        if ($in->right == 0) {
            throw new SoapFault("Client", "division by zero");
        }
        return ["QuotientResult" => $in->left / $in->right];
    }
}

class Countries
{
    public function GetCountry($in)
    {
        if ($in->code != "FR") {
            throw new SoapFault("Client", "no such country", null, ["code" => $in->code], "NoSuchCountry");
        }
        // As text, since of a Country PHP leaves out what it has from Place.
        $place = '<d:place xmlns:d="urn:example:countries:data" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="d:Country">'
            . '<d:name>France</d:name><d:population>68000000</d:population><d:language tag="fr">français</d:language></d:place>';
        return ["place" => new SoapVar($place, XSD_ANYXML)];
    }
}

$name = basename(parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH));
$server = new SoapServer(__DIR__ . "/../$name/$name.wsdl");
$server->setClass(ucfirst($name));
$server->handle();
