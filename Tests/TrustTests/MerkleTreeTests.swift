import Model
import TestSupport
import Testing
import Trust

/// The vectors of the Certificate Transparency reference tree.
@Suite struct MerkleTreeTests {
    private static let entries = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].map { Hex.decode($0) ?? [] }
    private static let leaves = entries.map { MerkleTree.leafHash($0) }
    private static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func roots() throws {
        #expect(
            Hex.encode(MerkleTree.emptyRoot) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        var frontier = MerkleFrontier()
        #expect(frontier.root == MerkleTree.emptyRoot && frontier.size == 0)
        for (index, entry) in Self.entries.enumerated() {
            frontier.append(leafHash: MerkleTree.leafHash(entry))
            #expect(Hex.encode(frontier.root) == Self.roots[index])
            #expect(MerkleTree.root(of: Self.leaves.prefix(index + 1)) == frontier.root)
            let json = try JSONCoding.canonical(frontier)
            #expect(try JSONCoding.decode(MerkleFrontier.self, from: json) == frontier)
        }
    }

    @Test func frontierIsReadStrictly() {
        let hash = Self.roots[0]
        for bad in [
            #"{"size":1,"subtrees":[]}"#, #"{"size":2,"subtrees":["\#(hash)","\#(hash)"]}"#,
            #"{"size":1,"subtrees":["ab"]}"#, #"{"size":-1,"subtrees":[]}"#,
        ] {
            #expect(refusal { _ = try JSONCoding.decode(MerkleFrontier.self, from: Array(bad.utf8)) } == "bad-frontier")
        }
    }

    @Test(arguments: [
        (0, 1, []),
        (
            0, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            5, 8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1, 5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
    ])
    func inclusionVector(_ index: Int, _ size: Int, _ expected: [String]) throws {
        let proof = try MerkleTree.inclusionProof(index: index, leaves: Self.leaves.prefix(size))
        #expect(proof.map { Hex.encode($0) } == expected)
        try MerkleTree.verifyInclusion(
            leafHash: Self.leaves[index], index: Int64(index), size: Int64(size), proof: proof,
            root: Hex.decode(Self.roots[size - 1]) ?? [])
    }

    @Test(arguments: [
        (1, 1, []),
        (
            1, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            6, 8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (
            2, 5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
        (
            6, 7,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
    ])
    func consistencyVector(_ first: Int, _ second: Int, _ expected: [String]) throws {
        let proof = try MerkleTree.consistencyProof(size: first, leaves: Self.leaves.prefix(second))
        #expect(proof.map { Hex.encode($0) } == expected)
        try MerkleTree.verifyConsistency(
            first: (Int64(first), Hex.decode(Self.roots[first - 1]) ?? []),
            second: (Int64(second), Hex.decode(Self.roots[second - 1]) ?? []), proof: proof)
    }

    /// Every proof of every tree up to 33 leaves holds, and holds for nothing else.
    @Test func proofsOfSmallTrees() throws {
        let leaves = (0..<33).map { MerkleTree.leafHash([UInt8($0)]) }
        let other = MerkleTree.leafHash([99])
        for size in 1...leaves.count {
            let tree = leaves.prefix(size)
            let root = MerkleTree.root(of: tree)
            for index in 0..<size {
                let proof = try MerkleTree.inclusionProof(index: index, leaves: tree)
                func holds(_ leaf: [UInt8], _ index: Int, _ size: Int, _ proof: [[UInt8]], _ root: [UInt8]) -> Bool {
                    refusal {
                        try MerkleTree.verifyInclusion(
                            leafHash: leaf, index: Int64(index), size: Int64(size), proof: proof, root: root)
                    } == nil
                }
                #expect(holds(leaves[index], index, size, proof, root))
                #expect(!holds(other, index, size, proof, root))
                #expect(!holds(leaves[index], index + 1, size, proof, root))
                #expect(!holds(leaves[index], index - 1, size, proof, root))
                #expect(!holds(leaves[index], index, size, proof + [other], root))
                #expect(!holds(leaves[index], index, size, proof, other))
                if !proof.isEmpty { #expect(!holds(leaves[index], index, size, Array(proof.dropLast()), root)) }
            }
            for first in 0...size {
                let old = MerkleTree.root(of: leaves.prefix(first))
                let proof = try MerkleTree.consistencyProof(size: first, leaves: tree)
                func holds(_ first: Int, _ old: [UInt8], _ size: Int, _ root: [UInt8], _ proof: [[UInt8]]) -> Bool {
                    refusal {
                        try MerkleTree.verifyConsistency(
                            first: (Int64(first), old), second: (Int64(size), root), proof: proof)
                    } == nil
                }
                #expect(holds(first, old, size, root, proof))
                #expect(!holds(first, other, size, root, proof))
                #expect(!holds(first, old, size, root, proof + [other]))
                if first < size { #expect(!holds(size, root, first, old, proof)) }
                if first > 0, first < size {
                    #expect(!holds(first, old, size, other, proof))
                    #expect(!holds(first, old, size, root, []))
                    #expect(!holds(first, old, size, root, Array(proof.dropLast())))
                }
            }
        }
        #expect(refusal { _ = try MerkleTree.inclusionProof(index: 33, leaves: leaves) } == "out-of-range")
        #expect(refusal { _ = try MerkleTree.consistencyProof(size: 34, leaves: leaves) } == "out-of-range")
    }
}
