using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Adapters that cannot be made, found, loaded or combined.</summary>
internal static class AdapterInputs
{
    private const string Add = "PeftExtensions.AddAdapter", Load = "PeftExtensions.LoadAdapter", Set = "PeftExtensions.SetAdapters";

    private const string Config = "{\"peft_type\": \"LORA\", \"r\": 4, \"target_modules\": [\"c_attn\"]";

    public static IEnumerable<BadInput> All() =>
        [.. Numbers(), .. Layers(), .. Names(), .. States(), .. Files(), .. Configurations(), .. Gone(), .. Stages()];

    private static IEnumerable<BadInput> Numbers() =>
    [
        Option<ArgumentOutOfRangeException>("R 0", new() { R = 0 }, "R (0)", "1 or greater"),
        Option<ArgumentOutOfRangeException>("LoraAlpha 0", new() { LoraAlpha = 0 }, "LoraAlpha (0)", "a finite number greater than 0"),
        Option<ArgumentOutOfRangeException>("LoraAlpha NaN", new() { LoraAlpha = double.NaN }, "LoraAlpha (NaN)"),
        Option<ArgumentOutOfRangeException>("LoraDropout 1", new() { LoraDropout = 1 }, "LoraDropout (1)", "at least 0 and below 1"),
        Option<ArgumentOutOfRangeException>("LoraDropout -1", new() { LoraDropout = -1 }, "LoraDropout (-1)"),
        Option<ArgumentOutOfRangeException>("ratio", new() { LoraplusLrRatio = 0.5 }, "LoraplusLrRatio (0.5)", "1 or greater"),
        Option<ArgumentOutOfRangeException>("ratio NaN", new() { LoraplusLrRatio = double.NaN }, "LoraplusLrRatio (NaN)"),
        Option<ArgumentException>("Bias 3", new() { Bias = (LoraBias)3 }, "Bias (3)", "None, All, LoraOnly"),
        Option<ArgumentException>("start 9", new() { InitLoraWeights = (LoraInitialization)9 }, "InitLoraWeights (9)", "Default, Gaussian"),
        Option<ArgumentOutOfRangeException>("layer -1", new() { LayersToTransform = [-1] }, "LayersToTransform (-1)", "0 or greater"),
        Option<ArgumentOutOfRangeException>(
            "rank 0", new() { RankPattern = new Dictionary<string, int> { ["c_attn"] = 0 } }, "RankPattern of 'c_attn' (0)"),
        Option<ArgumentOutOfRangeException>(
            "alpha 0", new() { AlphaPattern = new Dictionary<string, double> { ["c_attn"] = 0 } }, "AlphaPattern of 'c_attn' (0)"),
        Option<ArgumentException>(
            "rank of no expression", new() { RankPattern = new Dictionary<string, int> { ["("] = 1 } }, "RankPattern '('", "no regular"),
        Option<NotSupportedException>(
            "DoRA with PiSSA", new() { UseDora = true, InitLoraWeights = LoraInitialization.Pissa }, "UseDora with InitLoraWeights"),
        Option<ArgumentException>(
            "PiSSA with too high rank", new() { R = 17, InitLoraWeights = LoraInitialization.Pissa }, "rank 17", "[48, 16]", "16 or less"),
    ];

    private static IEnumerable<BadInput> Layers() =>
    [
        Option<ArgumentException>("no layers", new() { TargetModules = [] }, "TargetModules is empty", "or null"),
        Option<ArgumentException>("an empty name", new() { TargetModules = ["c_attn", ""] }, "TargetModules is empty or holds an empty"),
        Option<ArgumentException>("excluded", new() { ExcludeModules = [" "] }, "ExcludeModules is empty"),
        Option<ArgumentException>("modules", new() { ModulesToSave = [] }, "ModulesToSave is empty"),
        Option<ArgumentException>("no blocks", new() { LayersToTransform = [] }, "LayersToTransform is empty", "null for all"),
        Option<ArgumentException>("a wrong name", new() { TargetModules = ["q_proj"] }, "q_proj", "c_attn, c_proj, c_fc", "all-linear"),
        Option<ArgumentException>("one wrong name", new() { TargetModules = ["c_attn", "q"] }, "TargetModules has 'q'"),
        Option<ArgumentException>("all and more", new() { TargetModules = ["all-linear", "c_attn"] }, "'all-linear' beside other names"),
        Option<ArgumentException>("both", new() { TargetModules = ["c_attn"], TargetPattern = ".*" }, "TargetPattern and TargetModules"),
        Option<ArgumentException>("no expression", new() { TargetPattern = "(" }, "TargetPattern '(' is no regular expression"),
        Option<ArgumentException>("matches none", new() { TargetPattern = "nothing" }, "No linear layer of the gpt2 model", "c_attn"),
        Option<ArgumentException>("blocks that are not", new() { LayersToTransform = [7] }, "No linear layer", "LayersToTransform"),
        Option<ArgumentException>("all excluded", new() { ExcludeModules = ["c_attn"] }, "No linear layer", "ExcludeModules"),
        Option<ArgumentException>("no such module", new() { ModulesToSave = ["embed"] }, "ModulesToSave has 'embed'", "ln_f"),
        Option<ArgumentException>("a tied head", new() { ModulesToSave = ["lm_head"] }, "'lm_head'", "is the token embedding"),
        Option<NotSupportedException>("a tied embedding", new() { ModulesToSave = ["wte"] }, "also the vocabulary projection"),
    ];

    private static IEnumerable<BadInput> Names() =>
    [
        Null(Add, "options", () => Network.AddAdapter(null!)),
        Null(Add, "name", () => Network.AddAdapter(new(), null!)),
        Null(Add, "model", () => PeftExtensions.AddAdapter(null!, new())),
        Of<ArgumentException>(Add, () => Network.AddAdapter(new(), " "), ["name"]),
        Of<ArgumentException>(Add, () => Network.AddAdapter(new(), "a.b"), ["'a.b'", "has a dot"]),
        With<ArgumentException>(Add, model => model.AddAdapter(new()), "has an adapter 'default' already", "RemoveAdapter"),
        Null(Set, "names", () => Network.SetAdapters(null!)),
        With<ArgumentException>(Set, model => model.SetAdapters("default", "other"), "no adapter 'other'", "it has default"),
        Of<ArgumentException>(Set, () => Network.SetAdapters("x"), ["no adapter 'x'", "it has none"]),
        Null("PeftExtensions.AdapterNames", "model", () => PeftExtensions.AdapterNames(null!)),
        Null("PeftExtensions.ActiveAdapters", "model", () => PeftExtensions.ActiveAdapters(null!)),
        Null("PeftExtensions.DisableAdapters", "model", () => PeftExtensions.DisableAdapters(null!)),
        Of<ArgumentException>("PeftExtensions.AdapterWeights", () => Network.AdapterWeights(), ["no adapter 'default'"]),
        Of<ArgumentException>("PeftExtensions.RemoveAdapter", () => Network.RemoveAdapter("x"), ["no adapter 'x'"]),
        Of<ArgumentException>("PeftExtensions.TrainAdapter", () => Network.TrainAdapter("x"), ["no adapter 'x'"]),
        Of<ArgumentException>("PeftExtensions.SaveAdapter", () => Network.SaveAdapter("folder"), ["no adapter 'default'"]),
        Of<ArgumentException>("PeftExtensions.SaveAdapter", () => Network.SaveAdapter(""), ["folder"]),
    ];

    private static IEnumerable<BadInput> States() =>
    [
        Of<InvalidOperationException>("PeftExtensions.MergeAdapters", () => Network.MergeAdapters(), ["no adapter", "AddAdapter"]),
        Of<InvalidOperationException>("PeftExtensions.MergeAndUnload", () => Network.MergeAndUnload(), ["no adapter", "LoadAdapter"]),
        Of<InvalidOperationException>("PeftExtensions.UnmergeAdapters", () => Network.UnmergeAdapters(), ["no merged", "MergeAdapters"]),
        Merged(Add, model => model.AddAdapter(new(), "b")),
        Merged(Load, model => model.LoadAdapter("folder", "b")),
        Merged(Set, model => model.SetAdapters()),
        Merged("PeftExtensions.DisableAdapters", model => model.DisableAdapters()),
        Merged("PeftExtensions.RemoveAdapter", model => model.RemoveAdapter()),
        Merged("PeftExtensions.TrainAdapter", model => model.TrainAdapter()),
        Merged("PeftExtensions.MergeAdapters", model => model.MergeAdapters()),
        With<NotSupportedException>(Add, model => model.AddAdapter(new() { UseDora = true }, "b"), "'b' is a DoRA adapter", "'default'"),
        With<NotSupportedException>(
            Set,
            model =>
            {
                model.SetAdapters();
                model.AddAdapter(new() { UseDora = true }, "b");
                model.SetAdapters("b", "default");
            },
            "'b' is a DoRA adapter", "MergeAndUnload"),
        With<NotSupportedException>(
            "PeftExtensions.TrainAdapter",
            model =>
            {
                model.SetAdapters();
                model.AddAdapter(new() { UseDora = true }, "b");
                model.TrainAdapter();
            },
            "'b' is a DoRA adapter"),
        .. Quantized("PeftExtensions.MergeAdapters", model => model.MergeAdapters()),
        .. Quantized("PeftExtensions.MergeAndUnload", model => model.MergeAndUnload()),
        With<ArgumentException>(
            "ReferenceModelExtensions.CreateReferenceModel", model => model.CreateReferenceModel(1).Dispose(), "numSharedLayers (1)",
            "adapters are trained"),
        With<InvalidOperationException>(
            "PpoSession.#ctor",
            model =>
            {
                model.SetAdapters();
                new PpoSession(model, new PpoOptions()).Dispose();
            },
            "no weight that is trained", "add one"),
    ];

    private static IEnumerable<BadInput> Files() =>
    [
        Of<ArgumentException>(Load, () => Network.LoadAdapter(""), ["folder"]),
        Of<DirectoryNotFoundException>(Load, () => Network.LoadAdapter("/nowhere/at-all"), ["no folder '/nowhere/at-all'", "PEFT"]),
        Folder<FileNotFoundException>("no configuration", [], "adapter_config.json", "PEFT"),
        Folder<FileNotFoundException>("no weights", [("adapter_config.json", Config + "}")], "has no adapter_model.safetensors"),
        Folder<NotSupportedException>(
            "pickled weights", [("adapter_config.json", Config + "}"), ("adapter_model.bin", "x")], "adapter_model.bin", "safetensors"),
        Folder<InvalidDataException>(
            "damaged weights", [("adapter_config.json", Config + "}"), ("adapter_model.safetensors", "x")], "only 1 bytes"),
        Of<InvalidDataException>(Load, () => Network.LoadAdapter(Fixtures.Path("models", "lora_llama")), ["does not fit the model"]),
        Of<InvalidDataException>(
            Load, () => Network.LoadAdapter(Fixtures.Path("models", "lora_gpt2")), ["[4, 32] instead of [4, 16]", "trained on this model"]),
        Of<FileNotFoundException>(
            "HuggingFaceFolder.LoadConfig", () => HuggingFaceFolder.LoadConfig(Fixtures.Path("models", "lora_llama")),
            ["holds a PEFT adapter", "LoadAdapter"]),
        Of<DirectoryNotFoundException>("LanguageModel.Load", () => InFolder(
            [("adapter_config.json", "{\"base_model_name_or_path\": \"some/hub-name\"}")],
            folder => LanguageModel.Load(folder).Dispose()),
            ["'some/hub-name'", "no folder on this machine", "LoadAdapter"], "a base that is away"),
    ];

    private static IEnumerable<BadInput> Configurations() =>
    [
        Configured<InvalidDataException>("no JSON", "{", "is not JSON"),
        Configured<NotSupportedException>("another kind", "{\"peft_type\": \"IA3\"}", "'IA3'", "LORA is"),
        Configured<InvalidDataException>("rank 0", "{\"peft_type\": \"LORA\", \"r\": 0}", "R (0)", "1 or greater"),
        Configured<InvalidDataException>("bias some", Config + ", \"bias\": \"some\"}", "bias is 'some'", "lora_only"),
        Configured<NotSupportedException>("olora", Config + ", \"init_lora_weights\": \"olora\"}", "olora", "convert the adapter"),
        Configured<NotSupportedException>("trainable tokens", Config + ", \"trainable_token_indices\": [1]}", "trainable_token_indices"),
        Configured<NotSupportedException>("lora_bias", Config + ", \"lora_bias\": true}", "lora_bias is true", "merge_and_unload"),
        Configured<NotSupportedException>("an expression", Config + ", \"exclude_modules\": \"a.*\"}", "exclude_modules", "list of names"),
    ];

    private static IEnumerable<BadInput> Gone() =>
    [
        Dead(Add, model => model.AddAdapter(new())),
        Dead(Load, model => model.LoadAdapter("folder")),
        Dead("PeftExtensions.SaveAdapter", model => model.SaveAdapter("folder")),
        Dead("PeftExtensions.AdapterWeights", model => model.AdapterWeights()),
        Dead(Set, model => model.SetAdapters("x")),
        Dead("PeftExtensions.MergeAdapters", model => model.MergeAdapters()),
        Dead("PeftExtensions.MergeAndUnload", model => model.MergeAndUnload()),
        Dead("PeftExtensions.UnmergeAdapters", model => model.UnmergeAdapters()),
    ];

    private static IEnumerable<BadInput> Stages() =>
    [
        Stage("TrlCatalog.Sft", () => Ml.Trl().Sft(new SftOptions { Peft = new() { R = 0 } })),
        Stage("TrlCatalog.Dpo", () => Ml.Trl().Dpo(new DpoOptions { Peft = new() { R = 0 } })),
        Stage("TrlCatalog.RewardModel", () => Ml.Trl().RewardModel(new RewardOptions { Peft = new() { R = 0 } })),
        Stage("TrlCatalog.Ppo", () => Ml.Trl().Ppo(new PpoOptions { Peft = new() { R = 0 } })),
        Of<ArgumentException>(
            "TrlCatalog.Ppo", () => Ml.Trl().Ppo(new PpoOptions { Peft = new(), NumSharedLayers = 1 }), ["NumSharedLayers", "with Peft"]),
    ];

    private static BadInput Stage(string member, Action make) =>
        Of<ArgumentOutOfRangeException>(member, make, ["R (0)", "1 or greater"], "an adapter of rank 0");

    private static BadInput Option<T>(string name, LoraOptions options, params string[] words)
        where T : Exception => Of<T>(Add, () => Network.AddAdapter(options), words, name);

    private static BadInput With<T>(string member, Action<CausalLanguageModel> act, params string[] words)
        where T : Exception => Of<T>(member, () => Adapted(act), words, "with an adapter: " + words[0]);

    private static BadInput Merged(string member, Action<CausalLanguageModel> act) => Of<InvalidOperationException>(
        member,
        () => Adapted(model =>
        {
            model.MergeAdapters();
            act(model);
        }),
        ["are merged into its weights", "UnmergeAdapters"], "merged");

    private static IEnumerable<BadInput> Quantized(string member, Action<CausalLanguageModel> act) =>
    [
        Of<NotSupportedException>(
            member,
            () =>
            {
                using LanguageModel model = Language.Copy(quantization: WeightQuantization.Int8);
                model.Network.AddAdapter(new());
                act(model.Network);
            },
            ["quantized weights", "Copy()"], "quantized"),
    ];

    private static BadInput Folder<T>(string name, (string Name, string Content)[] files, params string[] words)
        where T : Exception => Of<T>(Load, () => InFolder(files, folder => Network.LoadAdapter(folder)), words, name);

    private static BadInput Configured<T>(string name, string config, params string[] words)
        where T : Exception => Folder<T>(name, [("adapter_config.json", config)], words);

    private static BadInput Dead(string member, Action<DecoderModel> act) =>
        Of<ObjectDisposedException>(member, () => act(DisposedNetwork()), ["disposed"], "a disposed model");

    private static void Adapted(Action<CausalLanguageModel> act)
    {
        using CausalLanguageModel model = Network.Copy();
        model.AddAdapter(new LoraOptions());
        act(model);
    }
}
