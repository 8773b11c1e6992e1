<?php
// Asks each of them, at SOAP_URL, for all there is.
ini_set("soap.wsdl_cache_enabled", "0");
$proxy = parse_url(getenv("UMTAPE_PROXY") ?: "");
function client(string $name, array $options = []): SoapClient
{
    global $proxy;
    return new SoapClient(__DIR__ . "/../$name/$name.wsdl", [
        "location" => getenv("SOAP_URL") . $name,
        "proxy_host" => $proxy["host"] ?? null,
        "proxy_port" => $proxy["port"] ?? null,
    ] + $options);
}
function refused(callable $ask): void
{
    try {
        $ask();
    } catch (SoapFault $fault) {
        echo $fault->faultstring, "\n";
    }
}
$rates = client("rates");
echo json_encode($rates->rates("EUR", 2)), "\n";
echo json_encode($rates->rates("EUR", 0)), "\n";
echo json_encode($rates->store(["currency" => "USD", "value" => "1.09"])), "\n";
refused(fn () => $rates->store(["currency" => "USD", "value" => "-1"]));
foreach ([SOAP_1_1, SOAP_1_2] as $version) {
    $calculator = client("calculator", ["soap_version" => $version]);
    echo json_encode($calculator->Sum(["left" => 40, "right" => 2])), "\n";
    echo json_encode($calculator->Quotient(["left" => 1, "right" => 8])), "\n";
    refused(fn () => $calculator->Quotient(["left" => 1, "right" => 0]));
}
$countries = client("countries");
$countries->__setSoapHeaders(new SoapHeader("urn:example:countries:data", "Caller", "me"));
echo json_encode($countries->GetCountry(["level" => "full", "code" => "FR", "since" => "1792-09-22"])), "\n";
refused(fn () => $countries->GetCountry(["level" => "short", "code" => "XX"]));
