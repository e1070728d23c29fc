using System.Buffers.Binary;
using System.Text;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Folders and files of weights: missing, damaged, of another shape, of another kind.</summary>
internal static class CheckpointInputs
{
    private const string Open = "SafetensorsFile.Open", Write = "SafetensorsWriter.Write";

    public static IEnumerable<BadInput> All() =>
        [.. Opened(), .. Headers(), .. Entries(), .. Read(), .. Written(), .. Folders(), .. Weights(), .. Shards(), .. Saved(), .. Gguf()];

    private static IEnumerable<BadInput> Gguf()
    {
        const string load = "LanguageModel.LoadGguf", save = "LanguageModel.SaveGguf";
        return
        [
            Null("ModelSource.Gguf", "path", () => ModelSource.Gguf(null!)),
            Of<ArgumentException>("ModelSource.Gguf", () => ModelSource.Gguf(""), ["empty", "path"]),
            Null(load, "path", () => LanguageModel.LoadGguf(null!)),
            Of<ArgumentException>(load, () => LanguageModel.LoadGguf(""), ["empty", "path"]),
            Of<FileNotFoundException>(load, () => LanguageModel.LoadGguf("no-such.gguf"), ["no-such.gguf"]),
            Of<DirectoryNotFoundException>(load, () => LanguageModel.LoadGguf("/no/such/x.gguf"), ["/no/such"]),
            Of<InvalidDataException>(
                load, () => InFolder([("x.gguf", "GGUX....")], folder => LanguageModel.LoadGguf(Path.Combine(folder, "x.gguf"))),
                ["x.gguf"]),
            Null(save, "path", () => Language.SaveGguf(null!, GgufType.F16)),
            Of<ArgumentException>(save, () => Language.SaveGguf("", GgufType.F16), ["empty", "path"]),
            Of<ArgumentException>(save, () => Language.SaveGguf("x.gguf", (GgufType)9), ["type (9)", "F16, Q8_0"]),
            Of<NotSupportedException>(save, () => Language.SaveGguf("x.gguf", GgufType.F16), ["gpt2", "llama"]),
        ];
    }

    private static IEnumerable<BadInput> Opened() =>
    [
        Null(Open, "path", () => SafetensorsFile.Open(null!)),
        Of<ArgumentException>(Open, () => SafetensorsFile.Open(""), ["empty", "path"]),
        Of<FileNotFoundException>(Open, () => InFolder([], folder => SafetensorsFile.Open(Path.Combine(folder, "x"))), ["x"]),
        Of<DirectoryNotFoundException>(Open, () => SafetensorsFile.Open("/no/such/folder/x"), ["/no/such/folder/x"]),
        Of<UnauthorizedAccessException>(Open, () => InFolder([], folder => SafetensorsFile.Open(folder)), ["trl-bad-"]),
        Bytes("no bytes", [], "only 0 bytes", "not a safetensors file"),
        Bytes("seven bytes", new byte[7], "only 7 bytes"),
        Bytes("a header longer than allowed", [0, 0, 0, 0, 1, 0, 0, 0], "4294967296 bytes", "100000000 allowed"),
        Bytes("a header of negative length", [255, 255, 255, 255, 255, 255, 255, 255], "18446744073709551615 bytes"),
        Bytes("a header that was cut off", [9, 0, 0, 0, 0, 0, 0, 0, (byte)'{'], "claims 9 bytes, but only 1 follow"),
        Bytes("an empty header", new byte[8], "does not begin with '{'"),
        Bytes("a pickle", [2, 0, 0, 0, 0, 0, 0, 0, 0x80, 2], "does not begin with '{'"),
    ];

    private static IEnumerable<BadInput> Headers() =>
    [
        Header("{", 0, "is not JSON"),
        Header("{\"a\":3}", 0, "tensor 'a'", "Number instead of an object"),
        Header("{\"__metadata__\":3}", 0, "__metadata__", "an object of texts"),
        Header("{\"__metadata__\":{\"a\":3}}", 0, "__metadata__ entry 'a'", "not a text"),
        Header("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ twice"),
        Header("{}", 4, "describes", "something was appended"),
    ];

    private static IEnumerable<BadInput> Entries() =>
    [
        Entry("{}", 0, "needs dtype, shape and two data_offsets"),
        Entry("{\"dtype\":\"F32\",\"shape\":[1]}", 4, "needs dtype, shape and two data_offsets"),
        Entry("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}", 4, "needs dtype, shape and two data_offsets"),
        Entry("{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,4]}", 4, "field 'dtype'", "of the wrong kind"),
        Entry("{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}", 4, "unknown type 'F31'", "known are F64, F32"),
        Entry("{\"dtype\":\"F32\",\"shape\":3,\"data_offsets\":[0,4]}", 4, "shape of tensor 'a' is Number"),
        Entry("{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}", 4, "shape of tensor 'a' holds -1", "whole numbers from 0"),
        Entry("{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,6]}", 6, "shape of tensor 'a' holds 1.5"),
        Entry("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}", 4, "takes 8 bytes", "0 to 4"),
        Entry("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}", 4, "4 to 0"),
        Entry("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}", 8, "there is a hole"),
        Header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 2, "describes", "it was cut off"),
        Entry("{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}", 0, "larger than any file"),
        Entry("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}", 4, "field 'more'", "unknown"),
        Header($"{{{Bytes("a", 0, 2)},{Bytes("b", 1, 3)}}}", 3, "they overlap"),
        Header($"{{{Bytes("a", 0, 1)},{Bytes("a", 1, 2)}}}", 2, "'a' twice"),
    ];

    private static IEnumerable<BadInput> Read() =>
    [
        Null("SafetensorsFile.Read", "name", () => WithFile("F32", 4, file => file.Read(null!))),
        Of<KeyNotFoundException>(
            "SafetensorsFile.Read", () => WithFile("F32", 4, file => file.Read("b")), ["no tensor 'b'", "for example a"]),
        Of<NotSupportedException>(
            "SafetensorsFile.Read", () => WithFile("F8_E4M3", 1, file => file.Read("a")), ["F8_E4M3", "convert it to F32"]),
        Of<NotSupportedException>("SafetensorsFile.Read", () => WithFile("U64", 8, file => file.Read("a")), ["U64", "convert it to F32"]),
        Of<ObjectDisposedException>(
            "SafetensorsFile.Read", () => WithFile("F32", 4, file => { file.Dispose(); file.Read("a"); }),
            ["disposed object", "SafetensorsFile"]),
        Of<InvalidDataException>(
            "SafetensorsFile.Read", () => WithFile("BOOL", 1, file => file.Read("a")), ["tensor 'a'", "neither 0 nor 1"]),
    ];

    private static IEnumerable<BadInput> Written() =>
    [
        Null(Write, "path", () => SafetensorsWriter.Write((string)null!, [])),
        Of<ArgumentException>(Write, () => SafetensorsWriter.Write("", []), ["empty", "path"]),
        Null(Write, "stream", () => SafetensorsWriter.Write((Stream)null!, [])),
        Null(Write, "tensors", () => SafetensorsWriter.Write(new MemoryStream(), null!)),
        Null(Write, "tensors", () => InFolder([], folder => SafetensorsWriter.Write(Path.Combine(folder, "x"), null!))),
        Of<DirectoryNotFoundException>(Write, () => SafetensorsWriter.Write("/no/such/folder/x", []), ["/no/such/folder/x"]),
        Of<NotSupportedException>(Write, () => SafetensorsWriter.Write(new MemoryStream([], writable: false), []), ["writing"]),
        Tensors("'a' was given 2 times", () => [("a", ones(1)), ("a", ones(2))]),
        Tensors("tensor 'a' is null", () => [("a", null!)]),
        Tensors("'a' was disposed", () => [("a", Disposed(ones(1)))]),
        Tensors("A name is null", () => [(null!, ones(1))]),
        Tensors("__metadata__", () => [("__metadata__", ones(1))]),
        Of<NotSupportedException>(
            Write, () => SafetensorsWriter.Write(new MemoryStream(), [("a", ones(1, ScalarType.ComplexFloat64))]),
            ["ComplexFloat64", "convert to one of F64"]),
        Of<ArgumentException>(
            Write, () => SafetensorsWriter.Write(new MemoryStream(), [], new Dictionary<string, string> { ["a"] = null! }),
            ["metadata", "'a' is null"]),
        Of<ArgumentException>(Write, () => SafetensorsWriter.Write(new MemoryStream(), [("a", empty(1, device: META))]), ["'a'", "meta"]),
    ];

    private static IEnumerable<BadInput> Folders()
    {
        (string Member, Action<string> Load)[] loaders =
        [
            ("HuggingFaceFolder.LoadConfig", folder => HuggingFaceFolder.LoadConfig(folder)),
            ("HuggingFaceFolder.LoadModel", folder => HuggingFaceFolder.LoadModel(folder)),
            ("HuggingFaceFolder.LoadRewardModel", folder => HuggingFaceFolder.LoadRewardModel(folder)),
            ("LanguageModel.Load", folder => LanguageModel.Load(folder)), ("TextRewardModel.Load", folder => TextRewardModel.Load(folder)),
        ];
        foreach ((string member, Action<string> load) in loaders)
        {
            yield return Null(member, "folder", () => load(null!), member);
            yield return Of<ArgumentException>(member, () => load(""), ["empty", "folder"]);
            yield return Of<DirectoryNotFoundException>(member, () => load("/no/such/folder"), ["'/no/such/folder'", "Hugging Face"]);
            yield return Of<FileNotFoundException>(member, () => InFolder([], load), ["has no config.json", "save_pretrained"]);
            yield return Of<InvalidDataException>(
                member, () => InFolder([("config.json", "3")], load), ["config.json", "not a JSON object"]);
            yield return Of<NotSupportedException>(
                member, () => InFolder([("config.json", "{\"model_type\":\"bart\"}")], load), ["'bart' model", "supported are gpt2"]);
            yield return Of<InvalidDataException>(
                member, () => InFolder([("config.json", Config.ToJson()), ("generation_config.json", "[]")], load),
                ["generation_config.json"]);
        }
        yield return Of<FileNotFoundException>(
            "LanguageModel.Load", () => InFolder([("config.json", Config.ToJson())], folder => LanguageModel.Load(folder)),
            ["holds no tokenizer"]);
        foreach ((string member, Action<string> load) in loaders[1..3])
        {
            yield return Of<FileNotFoundException>(
                member, () => InFolder([("config.json", Config.ToJson())], load), ["none of model.safetensors", "pytorch_model.bin"]);
            yield return Of<InvalidDataException>(
                member, () => InFolder([("config.json", Config.ToJson()), ("pytorch_model.bin", "")], load),
                ["pytorch_model.bin", "no zip file"]);
            yield return Of<ArgumentException>(member, () => Place(member, null, ScalarType.Int64), ["dtype is Int64", "Float32"]);
            yield return Of<ArgumentException>(member, () => Place(member, META, null), ["device is meta", "cpu"]);
        }
    }

    private static IEnumerable<BadInput> Weights() =>
    [
        Loaded(Config with { LayerCount = 3 }, "3 layers", "the weights hold 2"),
        Loaded(Config with { LayerCount = 1 }, "Not part of the model", "h.1."),
        Loaded(Config with { VocabularySize = 41 }, "Of another shape", "wte.weight", "[41, 16]"),
        Loaded(Config with { ContextLength = 33 }, "Of another shape", "wpe.weight", "[33, 16]"),
        Loaded(Config with { IntermediateSize = 65 }, "Of another shape", "mlp.c_fc.weight"),
        Of<InvalidDataException>(
            "HuggingFaceFolder.LoadRewardModel", () => WithSaved(folder => HuggingFaceFolder.LoadRewardModel(folder)),
            ["Missing: score.weight", "FromPolicy"]),
        Of<InvalidDataException>(
            "HuggingFaceFolder.LoadModel",
            () => InFolder([], folder => { HuggingFaceFolder.Save(folder, Scorer); HuggingFaceFolder.LoadModel(folder); }),
            ["Not part of the model: score.weight", "A classifier is loaded as a reward model"]),
        Null("HuggingFaceFolder.LoadValueHead", "folder", () => HuggingFaceFolder.LoadValueHead(null!, 16)),
        Of<ArgumentException>("HuggingFaceFolder.LoadValueHead", () => HuggingFaceFolder.LoadValueHead("", 16), ["empty", "folder"]),
        Of<DirectoryNotFoundException>(
            "HuggingFaceFolder.LoadValueHead", () => HuggingFaceFolder.LoadValueHead("/no/such/folder", 16), ["/no/such/folder"]),
        Of<FileNotFoundException>(
            "HuggingFaceFolder.LoadValueHead", () => InFolder([], folder => HuggingFaceFolder.LoadValueHead(folder, 16)),
            ["none of model.safetensors"]),
        Of<ArgumentOutOfRangeException>("HuggingFaceFolder.LoadValueHead", () => WithHead(0), ["hiddenSize", "'0'"]),
        Of<ArgumentOutOfRangeException>("HuggingFaceFolder.LoadValueHead", () => WithHead(-1), ["hiddenSize", "'-1'"]),
        Of<InvalidDataException>("HuggingFaceFolder.LoadValueHead", () => WithHead(8), ["v_head.summary.weight [1, 16] instead of [1, 8]"]),
        Of<InvalidDataException>(
            "HuggingFaceFolder.LoadValueHead", () => WithSaved(folder => HuggingFaceFolder.LoadValueHead(folder, 16)),
            ["Missing: v_head.summary.weight"]),
    ];

    private static IEnumerable<BadInput> Shards() =>
    [
        Index("[]", "no object 'weight_map'"),
        Index("{", "not JSON"),
        Index("{\"weight_map\":3}", "no object 'weight_map'"),
        Index("{\"weight_map\":{\"a\":3}}", "tensor 'a'", "only the name of a file"),
        Index("{\"weight_map\":{\"a\":\"../x.safetensors\"}}", "tensor 'a'", "only the name of a file"),
        Index("{\"weight_map\":{\"a\":\"x.bin\"}}", "'x.bin'", "not a .safetensors file"),
        Of<FileNotFoundException>(
            "HuggingFaceFolder.LoadModel",
            () => InFolder(Sharded("{\"weight_map\":{\"a\":\"x.safetensors\"}}"), folder => HuggingFaceFolder.LoadModel(folder)),
            ["'x.safetensors'", "not in the folder"]),
    ];

    private static IEnumerable<BadInput> Saved() =>
    [
        Null("HuggingFaceFolder.Save", "folder", () => HuggingFaceFolder.Save(null!, Network)),
        Null("HuggingFaceFolder.Save", "folder", () => HuggingFaceFolder.Save(null!, Scorer)),
        Null("HuggingFaceFolder.Save", "folder", () => HuggingFaceFolder.Save(null!, Head)),
        Null("HuggingFaceFolder.Save", "model", () => HuggingFaceFolder.Save("x", (CausalLanguageModel)null!)),
        Null("HuggingFaceFolder.Save", "model", () => HuggingFaceFolder.Save("x", (RewardModel)null!)),
        Null("HuggingFaceFolder.Save", "head", () => HuggingFaceFolder.Save("x", (ValueHead)null!)),
        Of<ArgumentException>("HuggingFaceFolder.Save", () => HuggingFaceFolder.Save("", Network), ["empty", "folder"]),
        Of<ArgumentException>("HuggingFaceFolder.Save", () => HuggingFaceFolder.Save("", Scorer), ["empty", "folder"]),
        Of<ArgumentException>("HuggingFaceFolder.Save", () => HuggingFaceFolder.Save("", Head), ["empty", "folder"]),
        Of<IOException>(
            "HuggingFaceFolder.Save",
            () => InFolder([("x", "")], folder => HuggingFaceFolder.Save(Path.Combine(folder, "x"), Network)), ["x"]),
    ];

    private static string Bytes(string name, int from, int to) =>
        $"\"{name}\":{{\"dtype\":\"U8\",\"shape\":[{to - from}],\"data_offsets\":[{from},{to}]}}";

    private static byte[] File(string header, int data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), file = new byte[8 + json.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        file.AsSpan(8 + json.Length).Fill(2);
        return file;
    }

    private static void WithBytes(byte[] content, Action<SafetensorsFile> act) => InFolder([], folder =>
    {
        string path = Path.Combine(folder, "x.safetensors");
        System.IO.File.WriteAllBytes(path, content);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        act(file);
    });

    private static void WithFile(string type, int size, Action<SafetensorsFile> act) =>
        WithBytes(File($"{{\"a\":{{\"dtype\":\"{type}\",\"shape\":[1],\"data_offsets\":[0,{size}]}}}}", size), act);

    private static void WithSaved(Action<string> act) => InFolder([], folder =>
    {
        HuggingFaceFolder.Save(folder, Network);
        act(folder);
    });

    private static void WithHead(int hiddenSize) => InFolder([], folder =>
    {
        HuggingFaceFolder.Save(folder, Head);
        HuggingFaceFolder.LoadValueHead(folder, hiddenSize);
    });

    private static void Place(string member, Device? device, ScalarType? type) => WithSaved(folder =>
    {
        if (member == "HuggingFaceFolder.LoadModel")
            HuggingFaceFolder.LoadModel(folder, device, type);
        else
            HuggingFaceFolder.LoadRewardModel(folder, device, type);
    });

    private static (string, string)[] Sharded(string index) => [("config.json", Config.ToJson()), ("model.safetensors.index.json", index)];

    private static BadInput Bytes(string name, byte[] content, params string[] words) =>
        Of<InvalidDataException>(Open, () => WithBytes(content, _ => { }), ["x.safetensors", .. words], name);

    private static BadInput Header(string json, int data, params string[] words) => Bytes(json, File(json, data), words);

    private static BadInput Entry(string json, int data, params string[] words) =>
        Bytes($"a: {json}, {data} bytes", File($"{{\"a\":{json}}}", data), ["tensor 'a'", .. words]);

    private static BadInput Tensors(string words, Func<(string, Tensor)[]> make) =>
        Of<ArgumentException>(Write, () => SafetensorsWriter.Write(new MemoryStream(), make()), [words], words);

    private static BadInput Loaded(ModelConfig config, params string[] words) => Of<InvalidDataException>(
        "HuggingFaceFolder.LoadModel",
        () => WithSaved(folder =>
        {
            System.IO.File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJson());
            HuggingFaceFolder.LoadModel(folder);
        }),
        words, string.Join(", ", words));

    private static BadInput Index(string json, params string[] words) => Of<InvalidDataException>(
        "HuggingFaceFolder.LoadModel", () => InFolder(Sharded(json), folder => HuggingFaceFolder.LoadModel(folder)),
        ["model.safetensors.index.json", .. words], json);
}
