"""How much labelled and unlabelled text a language had in 2020: the classes 0 (none) to 5 of Joshi et al. (2020).

Read from a public project's copy of the published list (lang2tax.txt), which itself was out of reach; languages that
are in none of its classes have none here."""

SOURCE = "Joshi et al. 2020, doi:10.18653/v1/2020.acl-main.560"
_CLASSES = {
    5: "ar zh en fr de ja es",
    4: "eu ca hr cs nl fi hi hu it ko fa pl pt ru sr sv tr vi",
    3: "af bn bg da et el tl he id kk ro ta th uk ur uz ms ka sk sl lv lt be gl bs ceb",
    2: "am ht ha sw tn xh yo zu mr ga pa is lo mt sa ti wo",
    1: "te jv my ml kn qu az ky mk mn ne sq as gu so cy eo",
}
CLASSES = {code: number for number, codes in _CLASSES.items() for code in codes.split()}
